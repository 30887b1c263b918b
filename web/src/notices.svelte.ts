/** What was done or went wrong, said at the bottom of the page for a while, with a way back where there is one. */

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly wrong: boolean;
  readonly undo?: () => void;
}

const SHOWN = 8000;

class Notices {
  list = $state.raw<readonly Notice[]>([]);
  #next = 0;

  say(text: string, options: { wrong?: boolean; undo?: () => void } = {}): void {
    const id = this.#next++;
    const undo = options.undo;
    const said: Notice = { id, text, wrong: options.wrong ?? false, ...(undo ? { undo } : {}) };
    this.list = [...this.list.slice(-2), said];
    setTimeout(() => this.end(id), SHOWN);
  }

  end(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }
}

export const notices = new Notices();

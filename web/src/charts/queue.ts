/**
 * Questions for panels wait for each other: the first goes alone, so that its chart is there soonest, and the others a few at a time.
 *
 * A server that answers quickly is asked more at once, as the way there and back is most of the time. One that has to work for an answer
 * would only give all of them later.
 */

const FEW = 2;
const SEVERAL = 4; // a browser keeps six connections to a server, and a stream and the rows of the list take two
const QUICK = 250; // ms
const PATIENCE = 1000; // ms that others wait for a first answer to be drawn, which may have nothing to draw

export class Queue {
  #waiting: (() => void)[] = [];
  #asking = 0;
  #begun = false;
  #open = false;
  #quick = false;

  /** Let all ask: the first chart is on the screen, or has nothing to draw. */
  open(): void {
    this.#open = true;
    this.#admit();
  }

  /** Ask when it is this one's turn; the answer. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin) => {
      this.#waiting.push(begin);
      this.#admit();
    });
    const began = performance.now();
    try {
      return await question();
    } finally {
      this.#quick = performance.now() - began < QUICK;
      this.#asking -= 1;
      if (this.#open) this.#admit();
      else setTimeout(() => this.open(), PATIENCE);
    }
  }

  #admit(): void {
    const most = this.#open ? (this.#quick ? SEVERAL : FEW) : this.#begun ? 0 : 1;
    for (; this.#asking < most && this.#waiting.length; this.#asking += 1) {
      this.#begun = true;
      this.#waiting.shift()?.();
    }
  }
}

/** The list at the left: how wide it is, and whether it is there. It belongs to who looks and not to the link; whether it is there, to the browser. */

const KEY = "anew:side";

class Side {
  readonly LEAST = 200;
  readonly MOST = 640;
  width = $state(300);
  open = $state(true);
  /** Told, after a pause, how wide it was made here. */
  tell: ((width: number) => void) | null = null;
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    try {
      const [width, open] = (localStorage.getItem(KEY) ?? "").split(",");
      if (width) this.width = this.#within(Number(width));
      this.open = open !== "closed";
    } catch {
      // Without storage it is as wide as at first.
    }
  }

  size(width: number): void {
    this.take(width);
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.tell?.(this.width), 500);
  }

  /** Be so wide. */
  take(width: number): void {
    this.width = this.#within(width);
    this.#keep();
  }

  toggle(): void {
    this.open = !this.open;
    this.#keep();
  }

  #within(width: number): number {
    return Number.isFinite(width) ? Math.round(Math.max(this.LEAST, Math.min(this.MOST, width))) : 300;
  }

  #keep(): void {
    try {
      localStorage.setItem(KEY, `${this.width},${this.open ? "open" : "closed"}`);
    } catch {
      // As above.
    }
  }
}

export const side = new Side();

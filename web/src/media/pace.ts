/** When the pictures of a grid are asked for: those that stay on the screen, and none while more than a tile goes by with each frame. */

const STAYS = 60; // ms
const LONGEST = 400; // ms between two moves of one scrolling

export class Pace {
  readonly #waiting = new Map<() => void, number>();
  readonly #now: () => number;
  #calm = 0;
  #moved = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Say how many tiles went by since it was said last. */
  moved(tiles: number): void {
    const now = this.#now();
    // Where frames are slow, the pause between two of them is no rest.
    if (tiles > 1) this.#calm = now + Math.max(STAYS, Math.min(LONGEST, 2 * (now - this.#moved)));
    this.#moved = now;
  }

  /** Be called when it is time to ask; the answer takes that back. */
  wait(ask: () => void): () => void {
    this.#waiting.set(ask, this.#now());
    this.#later(STAYS);
    return () => this.#waiting.delete(ask);
  }

  #later(delay: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#ask();
    }, delay);
  }

  #ask(): void {
    const now = this.#now();
    if (now < this.#calm) return this.#later(this.#calm - now);
    for (const [ask, since] of this.#waiting) {
      // What waits is in the order of its times.
      if (now - since < STAYS) return this.#later(since + STAYS - now);
      this.#waiting.delete(ask);
      ask();
    }
  }
}

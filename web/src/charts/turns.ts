/** What takes long is drawn one after the other, a panel in each frame, so that none of them waits for all. */

class Turns {
  #waiting: (() => void)[] = [];
  #running = false;

  /** Do something in a frame of its own: at once if nothing else waits. The answer takes it back. */
  take(work: () => void): () => void {
    this.#waiting.push(work);
    if (!this.#running) {
      this.#running = true;
      queueMicrotask(() => this.#next());
    }
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== work);
    };
  }

  #next(): void {
    const work = this.#waiting.shift();
    if (work === undefined) {
      this.#running = false;
      return;
    }
    work();
    // In a tab that nobody sees there are no frames, and nothing needs to be drawn.
    requestAnimationFrame(() => setTimeout(() => this.#next()));
  }
}

export const turns = new Turns();

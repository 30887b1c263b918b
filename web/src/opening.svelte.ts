/** While the page opens, the first chart comes first: what is not needed for it waits until it is drawn, though not for long. */

const LONGEST = 300; // ms that others wait for the chart once there is something to show of them

class Opening {
  /** Whether the rest may be made: the first chart is there, or would be waited for too long. */
  over = $state(true);
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** A chart is what will be seen first. */
  begin(): void {
    this.over = false;
  }

  /** Something else could be shown from now on. */
  soon(): void {
    if (!this.over) this.#timer ??= setTimeout(() => this.end(), LONGEST);
  }

  /** The first chart is there, or there is none. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.over = true;
  }
}

export const opening = new Opening();

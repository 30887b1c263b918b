/** The part of x that all panels show, and the way back. */

import { link } from "../link.svelte";
import type { Range } from "./scale";

class Zooms {
  #before: (Range | null)[] = [];

  /** Show a part of x. */
  into(range: Range): void {
    this.#before.push(link.state.range);
    link.set({ range });
  }

  /** Show what was shown before. */
  back(): void {
    link.set({ range: this.#before.pop() ?? null });
  }
}

export const zooms = new Zooms();

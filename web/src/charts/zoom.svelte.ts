/** What keys change of all panels: the part of x that they show, with the way back, and how smooth they are. */

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

const SMOOTH = [0, 0.6, 0.9, 0.97, 0.99];

/** The next strength of smoothing after one; none after the strongest. */
export function smoother(now: number): number {
  return SMOOTH.find((one) => one > now) ?? 0;
}

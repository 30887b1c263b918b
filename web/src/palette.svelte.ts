/** The colours in use, of charts, lists and tables alike: a key that has one keeps it for as long as the page is open. */

import { colourIn, coloursOf, PLAIN, type Colour } from "./colours";
import { link } from "./link.svelte";

class Palette {
  #slots: Record<string, string> = {};
  #chosen = $derived(link.state.colours);

  /** Give colours to what is shown together, so that no two are alike while there are enough; what has one keeps it. */
  see(keys: readonly string[]): void {
    const missing = keys.filter((one) => !(one in this.#slots));
    if (!missing.length) return;
    const found = coloursOf([...Object.keys(this.#slots), ...missing], this.#slots);
    for (const one of missing) this.#slots[one] = String(found.get(one)?.slot ?? 0);
  }

  /** The colour of an experiment, a group or a value. */
  of(key: string): Colour {
    const chosen = Number(this.#chosen[key] ?? Number.NaN);
    if (Number.isInteger(chosen)) return colourIn(chosen);
    if (!(key in this.#slots)) this.see([key]);
    return colourIn(Number(this.#slots[key]));
  }

  /** The next colour that is free, to be chosen for a key. */
  after(key: string): string {
    const taken = new Set([...Object.values(this.#slots), ...Object.values(this.#chosen)].map(Number));
    const now = this.of(key).slot;
    let slot = (now + 1) % PLAIN;
    for (let tried = 0; tried < PLAIN && taken.has(slot); tried += 1) slot = (slot + 1) % PLAIN;
    return String(slot);
  }
}

export const palette = new Palette();

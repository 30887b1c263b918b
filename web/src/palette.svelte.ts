/** The colours in use, of charts, lists and tables alike: a key that has one keeps it for as long as the page is open. */

import { colourIn, coloursOf, PLAIN, type Colour } from "./colours";
import { link } from "./link.svelte";

type Slots = Record<string, string>;

class Palette {
  // Groups have colours of their own: what thousands of experiments in the list have taken would leave them dashes alone.
  #experiments: Slots = {};
  #groups: Slots = {};
  #chosen = $derived(link.state.colours);

  /** Give colours to what is shown together, so that no two are alike while there are enough; what has one keeps it. */
  see(keys: readonly string[]): void {
    for (const slots of [this.#experiments, this.#groups]) {
      // In an order that does not depend on how a list is sorted, so that the same ones get the same colours wherever they are seen.
      const missing = keys.filter((one) => this.#of(one) === slots && !(one in slots)).sort();
      if (!missing.length) continue;
      const found = coloursOf([...Object.keys(slots), ...missing], slots);
      for (const one of missing) slots[one] = String(found.get(one)?.slot ?? 0);
    }
  }

  has(key: string): boolean {
    return key in this.#of(key);
  }

  /** The colour of an experiment, a group or a value. */
  of(key: string): Colour {
    const chosen = Number(this.#chosen[key] ?? Number.NaN);
    if (Number.isInteger(chosen)) return colourIn(chosen);
    const slots = this.#of(key);
    if (!(key in slots)) this.see([key]);
    return colourIn(Number(slots[key]));
  }

  /** The next colour that is free, to be chosen for a key. */
  after(key: string): string {
    const taken = new Set([...Object.values(this.#of(key)), ...Object.values(this.#chosen)].map(Number));
    const now = this.of(key).slot;
    let slot = (now + 1) % PLAIN;
    for (let tried = 0; tried < PLAIN && taken.has(slot); tried += 1) slot = (slot + 1) % PLAIN;
    return String(slot);
  }

  /** A group's key is a list of values. */
  #of(key: string): Slots {
    return key.startsWith("[") ? this.#groups : this.#experiments;
  }
}

export const palette = new Palette();

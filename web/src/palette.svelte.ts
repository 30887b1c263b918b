/** The colours in use: a key that was seen keeps its colour for as long as the page is open. */

import { colourIn, coloursOf, NEUTRAL, type Colour } from "./colours";
import { link } from "./link.svelte";

class Palette {
  #slots = $state.raw<Readonly<Record<string, string>>>({});
  #chosen = $derived(link.state.colours);

  /** Give colours to what is shown; what has one keeps it. */
  see(keys: readonly string[]): void {
    const missing = keys.filter((one) => !(one in this.#slots));
    if (!missing.length) return;
    const order = [...keys.filter((one) => one in this.#slots), ...missing.sort()];
    const found = coloursOf(order, this.#slots);
    const added = Object.fromEntries(missing.map((one) => [one, String(found.get(one)?.slot ?? 0)]));
    this.#slots = { ...this.#slots, ...added };
  }

  /** The colour of an experiment, a group or a value. */
  of(key: string): Colour {
    const slot = Number(this.#chosen[key] ?? this.#slots[key] ?? Number.NaN);
    return Number.isNaN(slot) ? NEUTRAL : colourIn(slot);
  }
}

export const palette = new Palette();

/** The colours of the experiments that are shown: one for each everywhere, or one for each value of a field. */

import { colourIn, coloursOf, NEUTRAL, PLAIN, type Colour } from "./colours";
import { experiments, type Row } from "./experiments.svelte";
import { link } from "./link.svelte";
import { isShown } from "./state";
import { theme } from "./theme.svelte";

const MOST = 500;

class Paint {
  /** What has a colour, in the order in which it came; what was given once stays. */
  #order: string[] = [];
  #keys = $derived.by(() => {
    const shown = experiments.known().filter((one) => isShown(link.state.eye, one.id)).map((one) => this.keyOf(one));
    const now = new Set(shown);
    this.#order = this.#order.filter((one) => now.has(one));
    const had = new Set(this.#order);
    for (const key of now) if (!had.has(key) && this.#order.length < MOST) this.#order.push(key);
    return [...this.#order];
  });
  #colours = $derived(coloursOf(this.#keys, link.state.colours));

  /** What an experiment has its colour from: itself, or its value of a field. */
  keyOf(row: Row): string {
    const field = link.state.colourBy;
    return field ? String(row.cells.get(field) ?? "") : row.id;
  }

  of(row: Row): Colour {
    return this.#colours.get(this.keyOf(row)) ?? NEUTRAL;
  }

  /** The colour as it is in the theme that is shown. */
  shade(row: Row): string {
    const colour = isShown(link.state.eye, row.id) ? this.of(row) : NEUTRAL;
    return theme.shown === "dark" ? colour.dark : colour.light;
  }

  /** Give an experiment, or all of its value, the next colour that is free. */
  next(row: Row): void {
    const taken = new Set([...this.#colours.values()].map((one) => one.slot));
    const now = this.of(row).slot;
    let slot = (now + 1) % PLAIN;
    for (let tried = 0; tried < PLAIN && taken.has(slot); tried += 1) slot = (slot + 1) % PLAIN;
    link.set({ colours: { ...link.state.colours, [this.keyOf(row)]: String(colourIn(slot).slot) } });
  }
}

export const paint = new Paint();

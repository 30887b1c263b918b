/** The colour of an experiment in lists and tables: its own, or that of its value of a field. */

import { NEUTRAL, PLAIN, type Colour } from "./colours";
import { experiments, type Row } from "./experiments.svelte";
import { link } from "./link.svelte";
import { palette } from "./palette.svelte";
import { isShown } from "./state";
import { theme } from "./theme.svelte";

class Paint {
  /** What an experiment has its colour from. */
  keyOf(row: Row): string {
    const field = link.state.colourBy;
    return field ? String(row.cells.get(field) ?? "") : row.id;
  }

  /** Give colours to the rows on the screen. To be called in an effect. */
  see(first: number, stop: number): void {
    const keys: string[] = [];
    for (let at = first; at < stop; at += 1) {
      const row = experiments.row(at);
      if (row !== undefined && isShown(link.state.eye, row.id)) keys.push(this.keyOf(row));
    }
    palette.see([...new Set(keys)]);
  }

  of(row: Row): Colour {
    return isShown(link.state.eye, row.id) ? palette.of(this.keyOf(row)) : NEUTRAL;
  }

  /** The colour as it is in the theme that is shown. */
  shade(row: Row): string {
    const colour = this.of(row);
    return theme.shown === "dark" ? colour.dark : colour.light;
  }

  /** Give an experiment, or all of its value, the next colour that no row nearby has. */
  next(row: Row): void {
    const taken = new Set(experiments.known().slice(0, PLAIN - 1).map((one) => this.of(one).slot));
    let slot = (this.of(row).slot + 1) % PLAIN;
    for (let tried = 0; tried < PLAIN && taken.has(slot); tried += 1) slot = (slot + 1) % PLAIN;
    link.set({ colours: { ...link.state.colours, [this.keyOf(row)]: String(slot) } });
  }
}

export const paint = new Paint();

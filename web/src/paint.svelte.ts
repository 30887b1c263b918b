/** The colour of a row of the list: its experiment's own, or that of its value of a field. */

import { NEUTRAL, type Colour } from "./colours";
import type { Row } from "./experiments.svelte";
import { link } from "./link.svelte";
import { palette } from "./palette.svelte";
import { isShown } from "./state";
import { theme } from "./theme.svelte";

class Paint {
  /** What an experiment has its colour from: itself, or its value of a field. */
  keyOf(row: Row): string {
    const field = link.state.colourBy;
    return field ? String(row.cells.get(field) ?? "") : row.id;
  }

  of(row: Row): Colour {
    return palette.of(this.keyOf(row));
  }

  /** The colour as it is in the theme that is shown. */
  shade(row: Row): string {
    const colour = isShown(link.state.eye, row.id) ? this.of(row) : NEUTRAL;
    return theme.shown === "dark" ? colour.dark : colour.light;
  }

  /** Give an experiment, or all of its value, the next colour that is free. */
  next(row: Row): void {
    const key = this.keyOf(row);
    link.set({ colours: { ...link.state.colours, [key]: palette.after(key) } });
  }
}

export const paint = new Paint();

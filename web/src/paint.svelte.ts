/** The colour of a row of the list: its experiment's own, that of its group, or that of its value of a field. */

import { groupFields } from "./charts/question";
import { NEUTRAL, type Colour } from "./colours";
import type { Row } from "./experiments.svelte";
import { link } from "./link.svelte";
import { palette } from "./palette.svelte";
import { isShown } from "./state";
import { theme } from "./theme.svelte";

/** As the panels name groups: their values in the order of the fields. */
function keyOf(row: Row, fields: readonly string[]): string {
  return JSON.stringify(fields.map((one) => row.cells.get(one) ?? null), (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

class Paint {
  /** The key of the group that an experiment is drawn in; null where each is drawn by itself. */
  groupOf(row: Row): string | null {
    const fields = groupFields(link.state);
    return fields.length ? keyOf(row, fields) : null;
  }

  /** What an experiment has its colour from: its group, itself, or its value of a field. */
  keyOf(row: Row): string {
    const { group, colourBy: field } = link.state;
    const all = groupFields(link.state);
    if (all.length) return keyOf(row, group.length ? group : all);
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

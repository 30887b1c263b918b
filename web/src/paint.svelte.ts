/** The colour of a row of the list: its experiment's own, that of its group, or that of its value of a field. */

import { groupFields } from "./charts/question";
import { NEUTRAL, type Colour } from "./colours";
import { experiments, type Row } from "./experiments.svelte";
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
    const key = this.keyOf(row);
    // All that are listed at once: which colour each has does not depend on which is looked at first.
    if (!palette.has(key)) palette.see([...new Set([key, ...experiments.known().map((one) => this.keyOf(one))])]);
    return palette.of(key);
  }

  /** The colour that an experiment has where it is not in a list. */
  own(id: string): string {
    const colour = palette.of(id);
    return theme.shown === "dark" ? colour.dark : colour.light;
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

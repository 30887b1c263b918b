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

  /** A colour as it is in the theme that is shown. */
  inTheme(colour: Colour): string {
    return theme.shown === "dark" ? colour.dark : colour.light;
  }

  /** The colour that an experiment has where it is not in a list. */
  own(id: string): string {
    return this.inTheme(palette.of(id));
  }

  /** The colour of a row as it is in the theme that is shown. */
  shade(row: Row): string {
    return this.inTheme(isShown(link.state.eye, row.id) ? this.of(row) : NEUTRAL);
  }

  /** The dashes of a row. */
  dash(row: Row): readonly number[] {
    return isShown(link.state.eye, row.id) ? this.of(row).dash : [];
  }

  /** Say which rows of the list are on the screen, so that no two of them look the same. In an effect, which the answer ends. */
  show(rows: { readonly first: number; readonly stop: number }): () => void {
    const found = Array.from({ length: rows.stop - rows.first }, (_, at) => experiments.row(rows.first + at));
    return palette.show([...new Set(found.flatMap((one) => (one ? [this.keyOf(one)] : [])))]);
  }

  /** Whose colour is being chosen. */
  choosing = $state.raw<{ readonly key: string; readonly name: string } | null>(null);

  /** Have somebody choose the colour of an experiment, or of all of its group or value. */
  choose(row: Row): void {
    const key = this.keyOf(row);
    this.choosing = { key, name: key === row.id ? String(row.cells.get("name")) : key };
  }
}

export const paint = new Paint();

/** Where each row of panels lies, so that only those on the screen need to be there. Pure. */

import type { Section } from "./sections";

export interface Placed {
  readonly metric: string;
  readonly title: string;
  readonly facet: string | null;
  /** How many columns it takes. */
  readonly span: number;
}

export type Row =
  | { readonly kind: "head"; readonly key: string; readonly section: string; readonly count: number; readonly folded: boolean; readonly top: number; readonly height: number }
  | { readonly kind: "panels"; readonly key: string; readonly panels: readonly Placed[]; readonly across: number; readonly top: number; readonly height: number; /** Of a plot in it. */ readonly plot: number; /** Its section, where its panels have one axis of values. */ readonly alike: string | null };

const HEAD = 32;
/** A panel alone in its section is no wider than half of the page. */
const LEAST_ACROSS = 2;
/** Of a panel, its title and its line of status. */
const AROUND = 28 + 20 + 12;

/**
 * The rows of all sections, from the top.
 *
 * @param across How many panels stand side by side; in a section of fewer, these share the width.
 * @param small The same of sections of small panels.
 * @param facets A field, and its values that make a panel of their own each; null where no field does.
 */
export function layout(sections: readonly Section[], facets: { readonly name: string; readonly values: readonly string[] } | null, across: number, height: number, small: { readonly across: number; readonly height: number } = { across, height }): Row[] {
  const rows: Row[] = [];
  let top = 8;
  for (const one of sections) {
    const named = one.metrics.flatMap((metric): Omit<Placed, "span">[] =>
      facets?.values.length ? facets.values.map((facet) => ({ metric, title: `${metric} · ${facets.name} ${facet || "none"}`, facet })) : [{ metric, title: metric, facet: null }],
    );
    const columns = named.reduce((sum, panel) => sum + (one.wide?.get(panel.metric) ?? 1), 0);
    const beside = one.small ? small : { across, height };
    // Small panels fill their rows evenly: eight stand in two rows of four rather than of six and two.
    const even = one.small ? Math.ceil(columns / Math.max(1, Math.ceil(columns / beside.across))) : columns;
    const here = Math.min(beside.across, Math.max(LEAST_ACROSS, even));
    rows.push({ kind: "head", key: `# ${one.name}`, section: one.name, count: named.length, folded: one.folded, top, height: HEAD });
    top += HEAD;
    if (one.folded) continue;
    const panels = named.map((panel): Placed => ({ ...panel, span: Math.min(here, one.wide?.get(panel.metric) ?? 1) }));
    for (const row of filled(panels, here)) {
      rows.push({ kind: "panels", key: `${one.name} ${row[0]?.title}`, panels: row, across: here, top, height: beside.height + AROUND, plot: beside.height, alike: one.small ? one.name : null });
      top += beside.height + AROUND;
    }
  }
  return rows;
}

/** Panels in rows of so many columns at most. */
function filled(panels: readonly Placed[], columns: number): Placed[][] {
  const rows: Placed[][] = [];
  let left = 0;
  for (const panel of panels) {
    if (panel.span > left) {
      rows.push([]);
      left = columns;
    }
    rows.at(-1)?.push(panel);
    left -= panel.span;
  }
  return rows;
}

/** The rows that lie between two heights. */
export function rowsWithin(rows: readonly Row[], from: number, to: number): readonly Row[] {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle] as Row;
    if (row.top + row.height < from) low = middle + 1;
    else high = middle;
  }
  let stop = low;
  while (stop < rows.length && (rows[stop] as Row).top <= to) stop += 1;
  return rows.slice(low, stop);
}

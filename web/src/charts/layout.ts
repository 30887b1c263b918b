/** Where each row of panels lies, so that only those on the screen need to be there. Pure. */

import type { Section } from "./sections";

export interface Placed {
  readonly metric: string;
  readonly title: string;
  readonly facet: string | null;
}

export type Row =
  | { readonly kind: "head"; readonly key: string; readonly section: string; readonly count: number; readonly folded: boolean; readonly top: number; readonly height: number }
  | { readonly kind: "panels"; readonly key: string; readonly panels: readonly Placed[]; readonly across: number; readonly top: number; readonly height: number };

const HEAD = 32;
/** A panel alone in its section is no wider than half of the page. */
const LEAST_ACROSS = 2;
/** Of a panel, its title and its line of status. */
const AROUND = 28 + 20 + 12;

/**
 * The rows of all sections, from the top.
 *
 * @param across How many panels stand side by side; in a section of fewer, these share the width.
 * @param facets A field, and its values that make a panel of their own each; null where no field does.
 */
export function layout(sections: readonly Section[], facets: { readonly name: string; readonly values: readonly string[] } | null, across: number, height: number): Row[] {
  const rows: Row[] = [];
  let top = 8;
  for (const one of sections) {
    const panels = one.metrics.flatMap((metric): Placed[] =>
      facets?.values.length ? facets.values.map((facet) => ({ metric, title: `${metric} · ${facets.name} ${facet || "none"}`, facet })) : [{ metric, title: metric, facet: null }],
    );
    rows.push({ kind: "head", key: `# ${one.name}`, section: one.name, count: panels.length, folded: one.folded, top, height: HEAD });
    top += HEAD;
    if (one.folded) continue;
    const here = Math.min(across, Math.max(LEAST_ACROSS, panels.length));
    for (let at = 0; at < panels.length; at += here) {
      const row = panels.slice(at, at + here);
      rows.push({ kind: "panels", key: `${one.name} ${row[0]?.title}`, panels: row, across: here, top, height: height + AROUND });
      top += height + AROUND;
    }
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

/** Where the pictures of a grid stand: a row for each experiment and name, a column for each place of the slider. Pure. */

import { along, type Place } from "./steps";
import type { Series } from "./values";

/** One row: the values of one name of one experiment. */
export interface Line {
  readonly id: string;
  readonly series: Series;
  /** The column of each value; it rises. */
  readonly columns: readonly number[];
}

export interface Layout {
  readonly lines: readonly Line[];
  readonly across: number;
  /** Whether a column is one place in all rows; else each row has its values one after the other. */
  readonly aligned: boolean;
}

/** Columns for each row that has the most, beyond which rows are set for themselves: their places have little in common. */
const LOOSE = 3;

/**
 * The rows of a grid.
 *
 * Places that stand alike in most rows are columns: what was logged at one step stands below each other. Several values of one place stand
 * side by side in every row.
 */
export function laidOut(rows: readonly { id: string; series: Series }[]): Layout {
  const widths = new Map<Place | null, number>();
  let longest = 0;
  for (const { series } of rows) {
    const places = along(series);
    longest = Math.max(longest, places.length);
    for (let at = 0; at < places.length; ) {
      let stop = at + 1;
      while (stop < places.length && places[stop] === places[at]) stop += 1;
      const place = places[at] ?? null;
      widths.set(place, Math.max(widths.get(place) ?? 0, stop - at));
      at = stop;
    }
  }
  const first = new Map<Place | null, number>();
  let across = 0;
  for (const place of [...widths.keys()].sort((a, b) => (a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1))) {
    first.set(place, across);
    across += widths.get(place) ?? 1;
  }
  if (across > LOOSE * longest) {
    const lines = rows.map(({ id, series }) => ({ id, series, columns: along(series).map((_, at) => at) }));
    return { lines, across: longest, aligned: false };
  }
  const lines = rows.map(({ id, series }) => {
    const places = along(series);
    let before: Place | null | undefined;
    let nth = 0;
    const columns = places.map((place) => {
      nth = place === before ? nth + 1 : 0;
      before = place;
      return (first.get(place ?? null) ?? 0) + nth;
    });
    return { id, series, columns };
  });
  return { lines, across, aligned: true };
}

/** The values of a row between two columns: the first, and the one after the last. */
export function within(line: Line, first: number, stop: number): readonly [number, number] {
  return [before(line.columns, first), before(line.columns, stop)];
}

/** How many columns of a row come before one. */
function before(columns: readonly number[], column: number): number {
  let low = 0;
  let high = columns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((columns[middle] as number) < column) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which of many things in a row the slot of a pool shows, while those from `first` on are seen: each keeps its slot as long as it is seen. */
export function inSlot(slot: number, first: number, slots: number): number {
  return first + ((((slot - first) % slots) + slots) % slots);
}

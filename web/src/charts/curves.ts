/** The answer for a panel as curves: what a chart is drawn from. Pure. */

import { rowOf, type NumberArray } from "../columns";
import type { Range } from "./scale";

export type Numbers = NumberArray["data"];

/** `Panel` as raw columns, as far as charts need it: see `query/panel.py`. */
export interface PanelAnswer {
  readonly grid: { start: number; stop: number; buckets: number; spacing: "linear" | "log" } | null;
  readonly series: readonly { id: string; metric: string; points: number; group: number | null; attempt: number | null }[];
  readonly buckets: Readonly<Record<"low" | "high" | "last" | "mean" | "count" | "nonfinite", NumberArray>>;
  readonly totals: Readonly<Record<"inside" | "nan" | "infinite" | "not_positive" | "unplaced", NumberArray>>;
  readonly origin: string;
  readonly exact: { starts: NumberArray; x: NumberArray; x_starts: NumberArray; value: NumberArray; base: number } | null;
  readonly groups: readonly { values: readonly (string | number | boolean | null)[]; metric: string; members: number }[];
  readonly group_buckets: { mean: NumberArray; deviation: NumberArray; quantiles: NumberArray; members: NumberArray } | null;
  readonly group_places: NumberArray | null;
  readonly robust: readonly [number, number] | null;
  readonly left_out: readonly { id: string; metric: string | null; reason: string }[];
  readonly density?: { low: number; high: number; counts: NumberArray; series: number; best: readonly string[] } | null;
}

/** How many of very many lines run through each cell of a chart: row by row, the highest first. */
export interface Density {
  readonly x: Range;
  readonly y: Range;
  /** Whether the rows are of equal height in logarithms, and the columns of equal width. */
  readonly yLog: boolean;
  readonly xLog: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly counts: Numbers;
  /** How many lines there are. */
  readonly series: number;
  /** The experiments that end best. */
  readonly best: readonly string[];
}

/**
 * One curve. Where it is exact, each place is a point; else each is the middle of a bucket with the smallest, largest and last
 * value of all points in it.
 */
export interface Curve {
  /** What tells it from the others of a panel. */
  readonly key: string;
  readonly id: string;
  readonly metric: string;
  readonly attempt: number | null;
  /** Its group's row; -1 where it is of none. */
  readonly group: number;
  readonly exact: boolean;
  readonly x: Numbers;
  readonly low: Numbers;
  readonly high: Numbers;
  readonly line: Numbers;
  /** Of a bucket, how many of its points are NaN or infinite; null where the points themselves are there. */
  readonly nonfinite: Numbers | null;
  /** How many points it has in all. */
  readonly points: number;
}

/** A group's curve: its middle and its band at each place, and how many members each is of. */
export interface GroupCurve {
  readonly key: string;
  readonly values: readonly (string | number | boolean | null)[];
  readonly members: number;
  /** How many points in the range they have in all. */
  readonly points: number;
  /** The experiments in it. */
  readonly ids: readonly string[];
  readonly x: Numbers;
  readonly middle: Numbers;
  readonly low: Numbers;
  readonly high: Numbers;
  readonly count: Numbers;
}

export interface Totals {
  readonly series: number;
  readonly inside: number;
  readonly nan: number;
  readonly infinite: number;
  readonly notPositive: number;
  readonly unplaced: number;
}

export interface PanelData {
  /** The experiments that have a curve, or are members of a group. */
  readonly ids: ReadonlySet<string>;
  readonly curves: readonly Curve[];
  readonly groups: readonly GroupCurve[];
  readonly range: Range | null;
  /** What steps are counted from. */
  readonly origin: bigint;
  /** Whether every point is there. */
  readonly exact: boolean;
  /** Whether the statistics of groups are of single places, and not of buckets. */
  readonly groupsExact: boolean;
  readonly robust: Range | null;
  readonly totals: Totals;
  /** Instead of curves, where there are more than can be told apart; then `curves` are those that end best. */
  readonly density: Density | null;
  readonly leftOut: PanelAnswer["left_out"];
}

export type Band = "minmax" | "none" | "sd" | "se" | "quantiles";
/** The quantiles asked of groups for what is drawn of them, in the order of the answer. */
export function quantilesOf(band: Band, centre: "mean" | "median"): readonly number[] {
  const edges = band === "minmax" ? [0, 1] : band === "quantiles" ? [0.25, 0.75] : [];
  return [...edges, ...(centre === "median" ? [0.5] : [])];
}

export const NOTHING: PanelData = {
  ids: new Set(),
  curves: [],
  groups: [],
  range: null,
  origin: 0n,
  exact: true,
  groupsExact: true,
  robust: null,
  totals: { series: 0, inside: 0, nan: 0, infinite: 0, notPositive: 0, unplaced: 0 },
  density: null,
  leftOut: [],
};

/** The curves of an answer. */
export function panelData(answer: PanelAnswer, centre: "mean" | "median" = "mean", band: Band = "minmax", yLog = false): PanelData {
  const { grid, exact, totals } = answer;
  if (grid === null) return { ...NOTHING, leftOut: answer.left_out };
  const middles = middlesOf(grid);
  return {
    ids: new Set(answer.series.map((one) => one.id)),
    curves: exact ? exactCurves(answer, exact) : bucketCurves(answer, middles),
    groups: groupCurves(answer, middles, centre, band),
    range: [grid.start, grid.stop],
    origin: BigInt(answer.origin),
    exact: exact !== null,
    groupsExact: answer.group_places !== null,
    robust: answer.robust,
    totals: {
      series: answer.series.length,
      inside: sum(totals.inside.data),
      nan: sum(totals.nan.data),
      infinite: sum(totals.infinite.data),
      notPositive: sum(totals.not_positive.data),
      unplaced: sum(totals.unplaced.data),
    },
    density: densityOf(answer, grid, yLog),
    leftOut: answer.left_out,
  };
}

function densityOf(answer: PanelAnswer, grid: NonNullable<PanelAnswer["grid"]>, yLog: boolean): Density | null {
  if (!answer.density) return null;
  const { low, high, counts, series, best } = answer.density;
  const [rows = 0, columns = 0] = counts.shape;
  return { x: [grid.start, grid.stop], y: [low, high], yLog, xLog: grid.spacing === "log", columns, rows, counts: counts.data, series, best };
}

function exactCurves(answer: PanelAnswer, exact: NonNullable<PanelAnswer["exact"]>): Curve[] {
  const places = exact.base === 0 ? exact.x.data : Float64Array.from(exact.x.data, (one) => one + exact.base);
  return answer.series.map((one, row) => {
    const begin = exact.starts.data[row] as number;
    const end = exact.starts.data[row + 1] as number;
    const first = exact.x_starts.data[row] as number;
    const value = exact.value.data.subarray(begin, end);
    return {
      ...named(one),
      exact: true,
      x: places.subarray(first, first + end - begin),
      low: value,
      high: value,
      line: value,
      nonfinite: null,
    };
  });
}

function bucketCurves(answer: PanelAnswer, middles: Float64Array): Curve[] {
  const { buckets } = answer;
  if (!buckets.low.shape[0]) return [];
  return answer.series.map((one, row) => ({
    ...named(one),
    exact: false,
    x: middles,
    low: rowOf(buckets.low, row),
    high: rowOf(buckets.high, row),
    line: rowOf(buckets.last, row),
    nonfinite: buckets.nonfinite.shape[0] ? rowOf(buckets.nonfinite, row) : null,
  }));
}

function named(one: PanelAnswer["series"][number]) {
  const { id, metric, attempt, group, points } = one;
  const key = attempt === null ? `${id} ${metric}` : `${id} ${metric} ${attempt}`;
  return { key, id, metric, attempt, points, group: group ?? -1 };
}

function groupCurves(answer: PanelAnswer, middles: Float64Array, centre: "mean" | "median", band: Band): GroupCurve[] {
  const found = answer.group_buckets;
  if (found === null) return [];
  const x = answer.group_places?.data ?? middles;
  const quantile = (row: number, which: number): Numbers => {
    const [, quantiles = 0, width = 0] = found.quantiles.shape;
    const at = (row * quantiles + which) * width;
    return found.quantiles.data.subarray(at, at + width);
  };
  const members = membersOf(answer);
  return answer.groups.map((one, row) => {
    const mean = rowOf(found.mean, row);
    const count = rowOf(found.members, row);
    const middle = centre === "median" ? quantile(row, quantilesOf(band, centre).indexOf(0.5)) : mean;
    let [low, high] = [middle, middle];
    if (band === "minmax" || band === "quantiles") [low, high] = [quantile(row, 0), quantile(row, 1)];
    if (band === "sd" || band === "se") {
      const apart = Float64Array.from(rowOf(found.deviation, row), (one_, at) => {
        const by = band === "se" ? one_ / Math.sqrt(count[at] as number) : one_;
        return Number.isNaN(by) ? 0 : by; // of one member there is no deviation: its band is a line
      });
      low = apart.map((by, at) => (middle[at] as number) - by);
      high = apart.map((by, at) => (middle[at] as number) + by);
    }
    const { ids, points } = members[row] as Members;
    return { points, key: JSON.stringify(one.values), values: one.values, members: one.members, ids, x, middle, low, high, count };
  });
}

interface Members {
  readonly ids: string[];
  points: number;
}

/** The experiments of each group, and their points in the range. */
function membersOf(answer: PanelAnswer): Members[] {
  const found = answer.groups.map((): Members => ({ ids: [], points: 0 }));
  for (const [at, each] of answer.series.entries()) {
    const mine = each.group === null ? undefined : found[each.group];
    if (!mine) continue;
    mine.ids.push(each.id);
    mine.points += answer.totals.inside.data[at] ?? 0;
  }
  return found;
}

/** The middle of each bucket. */
export function middlesOf(grid: NonNullable<PanelAnswer["grid"]>): Float64Array {
  const { start, stop, buckets, spacing } = grid;
  const places = new Float64Array(buckets);
  for (let at = 0; at < buckets; at += 1) {
    const share = (at + 0.5) / buckets;
    places[at] = spacing === "log" && stop > start ? start * (stop / start) ** share : start + share * (stop - start);
  }
  return places;
}

/** From where to where the values of curves lie within a range of places; null where nothing can be shown. */
export function valueRange(data: PanelData, within: Range, log: boolean): Range | null {
  let low = Infinity;
  let high = -Infinity;
  for (const all of [data.curves, data.groups]) {
    for (const one of all) {
      const [first, stop] = inside(one.x, within);
      const found = first === 0 && stop === one.x.length ? extentOf(one) : extentWithin(one, first, stop);
      if (log && !(found.high > 0)) continue;
      low = Math.min(low, log ? found.positive : found.low);
      high = Math.max(high, found.high);
    }
  }
  return high >= low ? [low, high] : null;
}

/** Where the finite values of a curve lie. */
export interface Extent {
  readonly low: number;
  readonly high: number;
  /** The smallest value above 0. */
  readonly positive: number;
  /** Whether all values are finite. */
  readonly finite: boolean;
}

/** Curves do not change, and each frame of a chart asks where they lie. */
const extents = new WeakMap<Curve | GroupCurve, Extent>();

/** Where the finite values of a whole curve lie. */
export function extentOf(one: Curve | GroupCurve): Extent {
  let found = extents.get(one);
  if (found === undefined) {
    found = extentWithin(one, 0, one.x.length);
    extents.set(one, found);
  }
  return found;
}

function extentWithin(one: Curve | GroupCurve, first: number, stop: number): Extent {
  let [low, high, positive, finite] = [Infinity, -Infinity, Infinity, true];
  for (const values of one.low === one.high ? [one.low] : [one.low, one.high]) {
    for (let at = first; at < stop; at += 1) {
      const value = values[at] as number;
      if (value - value !== 0) {
        finite = false; // NaN, infinities
        continue;
      }
      if (value < low) low = value;
      if (value > high) high = value;
      if (value > 0 && value < positive) positive = value;
    }
  }
  return { low, high, positive, finite };
}

/** The first place at or after a value. */
export function firstFrom(x: Numbers, value: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The places within a range: the first of them and the one after the last. */
export function inside(x: Numbers, [low, high]: Range): [number, number] {
  const first = firstFrom(x, low);
  let stop = firstFrom(x, high);
  while (stop < x.length && x[stop] === high) stop += 1;
  return [first, stop];
}

function sum(numbers: Numbers): number {
  let found = 0;
  for (const one of numbers) found += one;
  return found;
}

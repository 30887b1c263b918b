/** Histograms over steps: a heat map, or ridges behind each other. Pure; its example is in `histograms.test.ts`. */

import type { NumberArray } from "../columns";
import type { Box, Ink, Mark } from "../charts/marks";
import { CHARACTER } from "../charts/marks";
import { middleOf } from "./axes";
import { crisp } from "../charts/frame";
import { scale, type Scale } from "../charts/scale";
import { linearTicks, stepTicks } from "../charts/ticks";

/** The histograms of one experiment in columns, as the server tells them. */
export interface Columns {
  readonly id: string;
  readonly recorded: number;
  readonly first: ArrayLike<number>;
  readonly last: ArrayLike<number>;
  readonly each: ArrayLike<number>;
  /** The step of each histogram that was recorded. */
  readonly at: ArrayLike<number>;
  /** Column by column how many values lie in each bin. */
  readonly counts: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly steps: boolean;
}

export interface Told {
  readonly name: string;
  readonly edges: ArrayLike<number>;
  readonly exact: boolean;
  readonly unreadable: number;
  readonly series: readonly Columns[];
}

interface Answer extends Omit<Told, "edges" | "series"> {
  readonly edges: NumberArray;
  readonly series: readonly { readonly [K in keyof Columns]: Columns[K] extends ArrayLike<number> ? NumberArray : Columns[K] }[];
}

/** The answer of the server. */
export function toldOf(given: unknown): Told {
  const { edges, series, ...rest } = given as Answer;
  return {
    ...rest,
    edges: edges.data,
    series: series.map((one) => ({ ...one, first: one.first.data, last: one.last.data, each: one.each.data, at: one.at.data, counts: one.counts.data, values: one.values.data }) as unknown as Columns),
  };
}

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly strong: Ink;
  /** The first and the last step of all experiments that stand side by side. */
  readonly steps: readonly [number, number];
}

export interface Drawn {
  readonly marks: readonly Mark[];
  readonly plot: Box;
  /** Of a heat map along x and up, of ridges up and along x. */
  readonly steps: Scale;
  readonly values: Scale;
  readonly form: "heat" | "ridges";
}

const CELL = 2;
const BRIGHT = 1000;
const TOP = 6;
const BOTTOM = 24;
const RIGHT = 12;
/** How far a ridge rises over the ones behind it. */
const RISE = 6;

/** From which step to which all of them go. */
export function extentOf(told: Told): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const one of told.series) {
    if (!one.first.length) continue;
    low = Math.min(low, one.first[0] as number);
    high = Math.max(high, one.last[one.last.length - 1] as number);
  }
  return low <= high ? [low, high] : [0, 1];
}

/** The column of a step: the last one that begins by then; -1 before the first. */
export function columnAt(of: Columns, step: number): number {
  let [low, high] = [0, of.first.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((of.first[middle] as number) <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The bin that a value lies in; -1 for none. The last bin has its right edge. */
export function binAt(edges: ArrayLike<number>, value: number): number {
  const bins = edges.length - 1;
  if (!(value >= (edges[0] as number) && value <= (edges[bins] as number))) return -1;
  let [low, high] = [0, bins];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle + 1] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return Math.min(low, bins - 1);
}

/** How many values of a single column lie in the bin of a value, of how many in how many histograms; null where nothing was recorded. */
export function countAt(told: Told, value: number): { readonly bin: readonly [number, number] | null; readonly count: number; readonly all: number; readonly several: number } | null {
  const of = told.series[0];
  if (!of?.first.length) return null;
  const bin = binAt(told.edges, value);
  const [all, several] = [of.values[0] as number, of.each[0] as number];
  if (bin < 0) return { bin: null, count: 0, all, several };
  return { bin: [told.edges[bin] as number, told.edges[bin + 1] as number], count: of.counts[bin] as number, all, several };
}

/** The recorded histogram that is nearest to a step. */
export function recordedAt(of: Columns, step: number): number | null {
  let found: number | null = null;
  for (let one = 0; one < of.at.length; one += 1) {
    const at = of.at[one] as number;
    if (found === null || Math.abs(at - step) < Math.abs(found - step)) found = at;
  }
  return found;
}

function standing(told: Told, look: Look, heat: boolean) {
  const { width, height, steps } = look;
  const edges = told.edges;
  const range = [edges[0] as number, edges[edges.length - 1] as number] as const;
  const bottom = height - BOTTOM;
  const rows = Math.max(2, Math.floor(bottom / 42));
  const ends = steps[0] < steps[1] ? steps : ([steps[0] - 0.5, steps[0] + 0.5] as const);
  const up = heat ? linearTicks(range, rows) : stepTicks(ends, rows, 0n);
  const left = Math.max(36, 12 + CHARACTER * Math.max(0, ...up.map((one) => one.label.length)));
  const plot = { x: left, y: TOP, width: Math.max(10, width - left - RIGHT), height: Math.max(10, bottom - TOP) };
  const along = Math.max(2, Math.floor(plot.width / 84));
  const stepScale = scale(ends, heat ? [plot.x, plot.x + plot.width] : [plot.y + plot.height * 0.22, bottom], false);
  const valueScale = scale(range, heat ? [bottom, TOP] : [plot.x, plot.x + plot.width], false);
  const [xs, ys] = heat ? [stepScale, valueScale] : [valueScale, stepScale];
  const xTicks = (heat ? stepTicks(ends, along, 0n) : linearTicks(range, along)).filter((one) => one.label);
  const marks: Mark[] = [
    { kind: "rules", points: Float32Array.of(plot.x, crisp(bottom), plot.x + plot.width, crisp(bottom)), colour: "hairline" },
    { kind: "rules", points: Float32Array.from(xTicks.flatMap((one) => [crisp(xs.to(one.at)), bottom, crisp(xs.to(one.at)), bottom + 4])), colour: "muted" },
    ...up.filter((one) => one.label).map((one): Mark => ({ kind: "text", x: plot.x - 6, y: ys.to(one.at) + 4, text: one.label, anchor: "end", colour: "muted" })),
    ...xTicks.map((one): Mark => ({ kind: "text", x: middleOf(xs.to(one.at), one.label, width), y: bottom + 17, text: one.label, anchor: "middle", colour: "muted" })),
  ];
  return { plot, steps: stepScale, values: valueScale, marks };
}

/** Where the column of a step ends on the axis: where the next one begins, and the last one as far on as the one before. */
function endOf(of: Columns, column: number): number {
  if (column + 1 < of.first.length) return of.first[column + 1] as number;
  const before = column > 0 ? (of.first[column] as number) - (of.first[column - 1] as number) : 1;
  return Math.max(of.last[column] as number, of.first[column] as number) + before;
}

/** A heat map: steps run along, values up; the darker, the larger the part of a step's values that lies there. */
export function heat(told: Told, of: Columns, look: Look): Drawn {
  const wide = of.first.length ? endOf(of, of.first.length - 1) : look.steps[1];
  const { plot, steps, values, marks } = standing(told, { ...look, steps: [look.steps[0], Math.max(look.steps[1], wide)] }, true);
  const bins = told.edges.length - 1;
  const columns = Math.max(1, Math.floor(plot.width / CELL));
  const rows = Math.max(1, Math.floor(plot.height / CELL));
  const counts = new Float32Array(columns * rows);
  const binOf = Int32Array.from({ length: rows }, (_, row) => binAt(told.edges, values.back(plot.y + (row + 0.5) * CELL)));
  let most = 0;
  const share = (column: number, bin: number) => {
    const sum = sumOf(of, column, bins);
    const width = (told.edges[bin + 1] as number) - (told.edges[bin] as number);
    return sum > 0 ? (of.counts[column * bins + bin] as number) / sum / width : 0;
  };
  for (let x = 0; x < columns; x += 1) {
    const step = steps.back(plot.x + (x + 0.5) * CELL);
    const column = columnAt(of, step);
    if (column < 0 || step >= endOf(of, column)) continue;
    for (let row = 0; row < rows; row += 1) {
      const bin = binOf[row] as number;
      if (bin < 0) continue;
      const dense = share(column, bin);
      counts[row * columns + x] = dense;
      if (dense > most) most = dense;
    }
  }
  if (most > 0) for (let at = 0; at < counts.length; at += 1) counts[at] = ((counts[at] as number) * BRIGHT) / most;
  const box = { x: plot.x, y: plot.y, width: columns * CELL, height: rows * CELL };
  return { marks: [{ kind: "density", box, columns, rows, counts, colour: look.strong }, ...marks], plot, steps, values, form: "heat" };
}

function sumOf(of: Columns, column: number, bins: number): number {
  let sum = 0;
  for (let bin = 0; bin < bins; bin += 1) sum += of.counts[column * bins + bin] as number;
  return sum;
}

/** Ridges: values run along, and each step's outline stands before those of the steps before it. */
export function ridges(told: Told, of: Columns, look: Look): Drawn {
  const { plot, steps, values, marks } = standing(told, look, false);
  const bins = told.edges.length - 1;
  const lines = of.first.length;
  const gap = lines > 1 ? Math.abs(steps.to(of.last[lines - 1] as number) - steps.to(of.last[0] as number)) / (lines - 1) : plot.height * 0.4;
  const high = Math.min(plot.height * 0.22, Math.max(14, gap * RISE));
  let most = 0;
  const dense = Array.from({ length: lines }, (_, column) => {
    const sum = sumOf(of, column, bins);
    return Float32Array.from({ length: bins }, (_, bin) => {
      const found = sum > 0 ? (of.counts[column * bins + bin] as number) / sum / ((told.edges[bin + 1] as number) - (told.edges[bin] as number)) : 0;
      if (found > most) most = found;
      return found;
    });
  });
  const drawn: Mark[] = dense.flatMap((shares, column): Mark[] => {
    const ground = steps.to(of.last[column] as number);
    const top = (bin: number) => ground - (most > 0 ? ((shares[bin] ?? 0) / most) * high : 0);
    const middle = (bin: number) => values.to(((told.edges[bin] as number) + (told.edges[bin + 1] as number)) / 2);
    const [begin, end] = [values.to(told.edges[0] as number), values.to(told.edges[bins] as number)];
    const places = Array.from({ length: bins }, (_, bin) => bin);
    return [
      { kind: "band", points: Float32Array.from([begin, ground, ground, ...places.flatMap((bin) => [middle(bin), top(bin), ground]), end, ground, ground]), colour: "paper", alpha: 0.85 },
      { kind: "line", points: Float32Array.from([begin, ground, ...places.flatMap((bin) => [middle(bin), top(bin)]), end, ground]), colour: look.strong, width: 1.25, alpha: 1, dash: [] },
    ];
  });
  return { marks: [...marks, { kind: "inside", box: { ...plot, y: 0, height: plot.height + plot.y + 2 }, marks: drawn }], plot, steps, values, form: "ridges" };
}

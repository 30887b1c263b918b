/**
 * Parallel coordinates: an axis for each field, and a line through the values of each experiment. Of many the lines that run through each pixel
 * are counted. Pure; its example is in `analysis.test.ts`.
 */

import { CHARACTER, type Box, type Ink, type Mark } from "../charts/marks";
import { crisp } from "../charts/frame";
import { axisOf, cut, type Axis } from "./axes";
import { marked, readBrush, type Brush, type Values } from "./values";

/** More lines than this are counted. */
export const FEW = 1000;
const TOP = 14;
const BOTTOM = 30;
/** Beside the first and the last axis. */
export const SIDE = 60;

export interface ParallelOptions {
  readonly width: number;
  readonly height: number;
  readonly logs: readonly string[];
  readonly brush: Brush;
  colour(place: number): Ink;
  readonly strong: Ink;
}

export interface Parallel {
  readonly marks: readonly Mark[];
  readonly axes: readonly (Axis & { readonly x: number })[];
  readonly top: number;
  readonly bottom: number;
}

export function parallel(values: Values, options: ParallelOptions): Parallel | null {
  const { columns, count } = values;
  if (columns.length < 2) return null;
  const { width, height, logs } = options;
  const bottom = height - BOTTOM;
  const gap = (width - 2 * SIDE) / (columns.length - 1);
  const axes = columns.map((one, at) => ({ ...axisOf(one, logs.includes(one.field), [bottom, TOP], 42, height - 10), x: SIDE + gap * at }));
  const chosen = marked(values, options.brush);
  const places = axes.map((axis) => {
    const found = new Float32Array(count);
    for (let at = 0; at < count; at += 1) found[at] = axis.to(axis.column.values[at] as number);
    return found;
  });
  const box = { x: SIDE, y: 0, width: width - 2 * SIDE, height };
  const body = count > FEW ? counted(places, box, gap, chosen, options.strong) : each(places, axes, box, chosen, options);
  return { marks: [...body, ...axes.flatMap((axis, at) => marksOf(axis, bottom, options, at === axes.length - 1, at ? gap : SIDE))], axes, top: TOP, bottom };
}

/** An axis with its labels: at its left, and of the last one at its right, where no lines are. Texts are cut to the room that is there. */
function marksOf(axis: Parallel["axes"][number], bottom: number, options: ParallelOptions, last: boolean, room: number): Mark[] {
  const x = crisp(axis.x);
  const side = last ? 1 : -1;
  const label = (text: string, y: number, colour: Ink): Mark => ({ kind: "text", x: x + 6 * side, y: y + 4, text, anchor: last ? "start" : "end", colour });
  const said = axis.ticks.filter((one) => one.label);
  const most = Math.max(3, Math.floor(((last ? SIDE : room) - 8) / CHARACTER));
  const range = readBrush(options.brush[axis.column.field]);
  const found: Mark[] = [
    { kind: "rules", points: Float32Array.of(x, TOP, x, bottom, ...said.flatMap((one) => [x + 4 * side, crisp(axis.to(one.at)), x, crisp(axis.to(one.at))])), colour: "muted" },
    ...said.map((one) => label(axis.column.labels ? cut(one.label, most) : one.label, axis.to(one.at), "ink")),
  ];
  if (axis.column.missing + axis.column.nonfinite) found.push(label("none", axis.none, "muted"));
  if (range) {
    const [low, high] = range.map((one) => Math.min(bottom, Math.max(TOP, axis.to(one)))) as [number, number];
    found.push({ kind: "band", points: Float32Array.of(x - 5, high, low, x + 5, high, low), colour: options.strong, alpha: 0.35 });
  }
  return found;
}

function each(places: readonly Float32Array[], axes: Parallel["axes"], box: Box, chosen: Uint8Array | null, options: ParallelOptions): Mark[] {
  const line = (at: number, colour: Ink) => ({ points: Float32Array.from(axes.flatMap((axis, one) => [axis.x, places[one]?.[at] as number])), colour });
  const count = places[0]?.length ?? 0;
  const all = Array.from({ length: count }, (_, at) => at);
  const many = (lines: { points: Float32Array; colour: Ink }[], alpha: number): Mark => ({ kind: "many", lines, box, width: 1.25, alpha });
  const alpha = Math.max(0.25, Math.min(0.9, 60 / count));
  if (!chosen) return [many(all.map((at) => line(at, options.colour(at))), alpha)];
  return [many(all.filter((at) => !chosen[at]).map((at) => line(at, "hairline")), 0.6), many(all.filter((at) => chosen[at]).map((at) => line(at, options.colour(at))), 0.9)];
}

/** How many lines run through each pixel. Lines between the same two pixels of neighbouring axes are drawn once, with their number. */
function counted(places: readonly Float32Array[], box: Box, gap: number, chosen: Uint8Array | null, strong: Ink): Mark[] {
  const columns = Math.ceil(box.width);
  const rows = Math.ceil(box.height);
  const grid = (only: Uint8Array | null) => {
    const counts = new Float32Array(columns * rows);
    for (let pair = 0; pair + 1 < places.length; pair += 1) between(places[pair] as Float32Array, places[pair + 1] as Float32Array, only, counts, columns, rows, gap * pair, gap);
    return counts;
  };
  const cells = (counts: Float32Array, colour: Ink): Mark => ({ kind: "density", box: { ...box, width: columns, height: rows }, columns, rows, counts, colour });
  return chosen ? [cells(grid(null), "hairline"), cells(grid(chosen), strong)] : [cells(grid(null), strong)];
}

const BIN = 2;

function between(left: Float32Array, right: Float32Array, only: Uint8Array | null, counts: Float32Array, columns: number, rows: number, begin: number, gap: number): void {
  const bins = Math.ceil(rows / BIN);
  const pairs = new Float32Array(bins * bins);
  for (let at = 0; at < left.length; at += 1) {
    if (only && !only[at]) continue;
    const from = Math.min(bins - 1, Math.max(0, Math.floor((left[at] as number) / BIN)));
    const to = Math.min(bins - 1, Math.max(0, Math.floor((right[at] as number) / BIN)));
    pairs[from * bins + to] = (pairs[from * bins + to] as number) + 1;
  }
  const first = Math.round(begin);
  const stop = Math.min(columns, Math.round(begin + gap));
  for (let from = 0; from < bins; from += 1) {
    for (let to = 0; to < bins; to += 1) {
      const weight = pairs[from * bins + to] as number;
      if (weight === 0) continue;
      const slope = ((to - from) * BIN) / gap;
      let y = from * BIN + BIN / 2;
      for (let column = first; column < stop; column += 1, y += slope) {
        const [low, high] = slope < 0 ? [y + slope, y] : [y, y + slope];
        const last = Math.min(rows - 1, Math.floor(high));
        for (let row = Math.max(0, Math.floor(low)); row <= last; row += 1) {
          counts[row * columns + column] = (counts[row * columns + column] as number) + weight;
        }
      }
    }
  }
}

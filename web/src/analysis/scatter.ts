/** The scatter plot: a dot for each experiment, or of many how many lie where. Pure; its example is in `analysis.test.ts`. */

import type { Ink, Mark } from "../charts/marks";
import { crisp } from "../charts/frame";
import { axisOf, middleOf, widthOf, type Axis } from "./axes";
import { frontOf, stairs, type Better } from "./front";
import type { Values } from "./values";

/** More dots than this are counted in cells. */
export const FEW = 2000;
const CELL = 3;
/** Beside the plot, where what an axis cannot show lies. */
const STRIP = 18;
const RIGHT = 12;

export interface ScatterOptions {
  readonly width: number;
  readonly height: number;
  readonly logs: readonly string[];
  /** Which experiments are marked, by place; null where nothing is. */
  readonly chosen: Uint8Array | null;
  /** The better ends of the axes, where those that no other experiment beats are to stand out. */
  readonly better: Better | null;
  /** The colour of an experiment where there are few. */
  colour(place: number): Ink;
  readonly strong: Ink;
}

export interface Scatter {
  readonly marks: readonly Mark[];
  readonly x: Axis;
  readonly y: Axis;
  /** The pixels of each experiment: x and y by turns. */
  readonly pixels: Float32Array;
  /** Those that no other one beats. */
  readonly front: readonly number[];
  readonly plot: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** A scatter plot of the first two columns. */
export function scatter(values: Values, options: ScatterOptions): Scatter | null {
  const [first, second] = values.columns;
  if (!first || !second) return null;
  const { width, height, logs } = options;
  const bottom = height - 24;
  const sketch = axisOf(second, logs.includes(second.field), [bottom - STRIP, 10], 42, bottom - 6);
  const left = Math.max(40, 14 + widthOf(sketch.ticks));
  const x = axisOf(first, logs.includes(first.field), [left + STRIP, width - RIGHT], 84, left + 6);
  const y = sketch;
  const pixels = new Float32Array(2 * values.count);
  for (let at = 0; at < values.count; at += 1) {
    pixels[2 * at] = x.to(first.values[at] as number);
    pixels[2 * at + 1] = y.to(second.values[at] as number);
  }
  const plot = { x: left, y: 6, width: width - RIGHT - left, height: bottom - 6 };
  const { chosen, better } = options;
  const front = better ? frontOf(x, y, better, chosen) : [];
  const marks = [
    ...frameOf(x, y, plot),
    ...(values.count > FEW ? counted(pixels, plot, chosen, options.strong) : dots(pixels, chosen, options)),
    ...(better ? fronted(pixels, front, better.startsWith("low") ? plot.x + plot.width : plot.x + STRIP) : []),
  ];
  return { marks, x, y, pixels, front, plot };
}

/** Those that no other one beats, and the stairs that they make. */
function fronted(pixels: Float32Array, front: readonly number[], edge: number): Mark[] {
  const points = Float32Array.from(front.flatMap((at) => [pixels[2 * at] as number, pixels[2 * at + 1] as number]));
  return [
    { kind: "line", points: stairs(pixels, front, edge), colour: "ink", width: 1.25, alpha: 0.8, dash: [] },
    { kind: "signs", sign: "dot", points, colour: "ink", radius: 3 },
  ];
}

function frameOf(x: Axis, y: Axis, plot: Scatter["plot"]): Mark[] {
  const [left, right, bottom] = [plot.x, plot.x + plot.width, plot.y + plot.height];
  const said = (axis: Axis) => axis.ticks.filter((one) => one.label);
  return [
    { kind: "rules", points: Float32Array.from(said(y).flatMap((one) => [left, crisp(y.to(one.at)), right, crisp(y.to(one.at))])), colour: "hairline" },
    { kind: "rules", points: Float32Array.from(said(x).flatMap((one) => [crisp(x.to(one.at)), bottom, crisp(x.to(one.at)), bottom + 4])), colour: "muted" },
    { kind: "rules", points: Float32Array.of(left, crisp(bottom), right, crisp(bottom)), colour: "hairline" },
    ...said(y).map((one): Mark => ({ kind: "text", x: left - 6, y: y.to(one.at) + 4, text: one.label, anchor: "end", colour: "muted" })),
    ...said(x).map((one): Mark => ({ kind: "text", x: middleOf(x.to(one.at), one.label, right + RIGHT), y: bottom + 17, text: one.label, anchor: "middle", colour: "muted" })),
    ...(y.column.missing + y.column.nonfinite ? [{ kind: "text", x: left - 6, y: y.none + 4, text: "none", anchor: "end", colour: "muted" } as const] : []),
    ...(x.column.missing + x.column.nonfinite ? [{ kind: "text", x: x.none, y: bottom + 17, text: "none", anchor: "middle", colour: "muted" } as const] : []),
  ];
}

/** How many dots lie in each cell: all of them faintly where some are marked. */
function counted(pixels: Float32Array, plot: Scatter["plot"], chosen: Uint8Array | null, strong: Ink): Mark[] {
  const columns = Math.ceil(plot.width / CELL);
  const rows = Math.ceil(plot.height / CELL);
  const every = new Float32Array(columns * rows);
  const some = chosen ? new Float32Array(columns * rows) : null;
  for (let at = 0; at < pixels.length / 2; at += 1) {
    const column = Math.floor(((pixels[2 * at] as number) - plot.x) / CELL);
    const row = Math.floor(((pixels[2 * at + 1] as number) - plot.y) / CELL);
    if (column < 0 || column >= columns || row < 0 || row >= rows) continue;
    const cell = row * columns + column;
    every[cell] = (every[cell] as number) + 1;
    if (some && chosen?.[at]) some[cell] = (some[cell] as number) + 1;
  }
  const box = { x: plot.x, y: plot.y, width: columns * CELL, height: rows * CELL };
  const cells = (counts: Float32Array, colour: Ink): Mark => ({ kind: "density", box, columns, rows, counts, colour });
  return some ? [cells(every, "hairline"), cells(some, strong)] : [cells(every, strong)];
}

function dots(pixels: Float32Array, chosen: Uint8Array | null, options: ScatterOptions): Mark[] {
  const byColour = new Map<Ink, number[]>();
  const away: number[] = [];
  for (let at = 0; at < pixels.length / 2; at += 1) {
    const colour = options.colour(at);
    const mine = chosen && !chosen[at] ? away : (byColour.get(colour) ?? []);
    mine.push(pixels[2 * at] as number, pixels[2 * at + 1] as number);
    if (mine !== away) byColour.set(colour, mine);
  }
  const count = pixels.length / 2;
  const radius = count <= 100 ? 4 : count <= 1000 ? 3 : 2;
  const signs = (points: number[], colour: Ink): Mark => ({ kind: "signs", sign: "dot", points: Float32Array.from(points), colour, radius });
  return [...(away.length ? [signs(away, "hairline")] : []), ...[...byColour].map(([colour, points]) => signs(points, colour))];
}

/** The place of the dot that is nearest to a point, no further than so many pixels; -1 where there is none. */
export function nearestDot(pixels: Float32Array, x: number, y: number, far: number): number {
  let [found, best] = [-1, far * far];
  for (let at = 0; at < pixels.length / 2; at += 1) {
    const dx = (pixels[2 * at] as number) - x;
    const dy = (pixels[2 * at + 1] as number) - y;
    const apart = dx * dx + dy * dy;
    if (apart <= best) [found, best] = [at, apart];
  }
  return found;
}

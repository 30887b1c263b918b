/** The frame of a chart: where its plot lies, its axes and their labels. Pure. */

import type { Unit } from "../numbers";
import { CHARACTER, type Box, type Mark } from "./marks";
import { scale, type Range, type Scale } from "./scale";
import { byteTicks, linearTicks, logTicks, relativeTicks, stepTicks, timeTicks, type Tick } from "./ticks";

export type XKind = "step" | "time" | "relative" | "metric";

export interface FrameOptions {
  readonly width: number;
  readonly height: number;
  readonly x: Range;
  readonly y: Range;
  readonly xKind: XKind;
  readonly xLog: boolean;
  readonly yLog: boolean;
  /** What steps are counted from. */
  readonly origin: bigint;
  /** What the x axis is of, where that is not said elsewhere. */
  readonly xName?: string;
  /** What y counts; a number alone if not given. */
  readonly unit?: Unit;
}

export interface Frame {
  readonly plot: Box;
  readonly xs: Scale;
  readonly ys: Scale;
  readonly marks: readonly Mark[];
}

const TOP = 10;
const RIGHT = 12;
const BOTTOM = 22;

/** The frame of a chart of this size and these ranges. */
export function frame(given: FrameOptions): Frame {
  const { width, height } = given;
  const rows = Math.max(2, Math.floor((height - TOP - BOTTOM) / 42));
  const { domain } = scale(given.y, [0, 1], given.yLog);
  const yTicks = given.yLog ? logTicks(domain, rows) : given.unit ? byteTicks(domain, rows, given.unit) : linearTicks(domain, rows);
  const left = Math.max(28, 12 + CHARACTER * Math.max(0, ...yTicks.map((one) => one.label.length)));
  const plot = { x: left, y: TOP, width: Math.max(10, width - left - RIGHT), height: Math.max(10, height - TOP - BOTTOM) };
  const xs = scale(given.x, [plot.x, plot.x + plot.width], given.xLog);
  const ys = scale(given.y, [plot.y + plot.height, plot.y], given.yLog);
  const bottom = plot.y + plot.height;
  const end = plot.x + plot.width;
  const marks: Mark[] = [
    { kind: "rules", points: lines(yTicks, (at) => [plot.x, crisp(ys.to(at)), end, crisp(ys.to(at))]), colour: "hairline" },
    { kind: "rules", points: Float32Array.of(plot.x, crisp(bottom), end, crisp(bottom)), colour: "hairline" },
  ];
  for (const one of yTicks) {
    if (one.label) marks.push({ kind: "text", x: plot.x - 6, y: ys.to(one.at) + 4, text: one.label, anchor: "end", colour: "muted" });
  }
  const xTicks = fitting(given, xs, plot.width);
  marks.push({ kind: "rules", points: lines(xTicks, (at) => [crisp(xs.to(at)), bottom, crisp(xs.to(at)), bottom + 4]), colour: "muted" });
  const name = given.xName ?? "";
  const taken = name ? end - CHARACTER * (name.length + 1) : Infinity;
  for (const one of xTicks) {
    const half = (CHARACTER * one.label.length) / 2;
    const x = Math.min(Math.max(xs.to(one.at), half + 1), width - half - 1);
    if (one.label && x + half < taken) marks.push({ kind: "text", x, y: bottom + 16, text: one.label, anchor: "middle", colour: "muted" });
  }
  if (name) marks.push({ kind: "text", x: end, y: bottom + 16, text: name, anchor: "end", colour: "muted" });
  return { plot, xs, ys, marks };
}

/** As many ticks of x as there is room for with what they say. */
function fitting(given: FrameOptions, xs: Scale, width: number): Tick[] {
  const make = (count: number): Tick[] => {
    if (given.xLog) return logTicks(xs.domain, count);
    if (given.xKind === "step") return stepTicks(xs.domain, count, given.origin);
    if (given.xKind === "time") return timeTicks(xs.domain, count);
    if (given.xKind === "relative") return relativeTicks(xs.domain, count);
    return linearTicks(xs.domain, count);
  };
  for (let count = Math.max(1, Math.floor(width / 64)); count > 1; count -= 1) {
    const ticks = make(count);
    const said = ticks.filter((one) => one.label);
    const widest = Math.max(0, ...said.map((one) => one.label.length)) * CHARACTER + 14;
    const gaps = said.slice(1).map((one, at) => xs.to(one.at) - xs.to((said[at] as Tick).at));
    if (gaps.every((gap) => gap >= widest)) return ticks;
  }
  return make(1);
}

function lines(ticks: readonly Tick[], make: (at: number) => readonly [number, number, number, number]): Float32Array {
  return Float32Array.from(ticks.filter((one) => one.label).flatMap((one) => make(one.at)));
}

/** The middle of the pixel, where a line of one pixel is sharp. */
export function crisp(at: number): number {
  return Math.round(at - 0.5) + 0.5;
}

/** Boxes: how the results of each value of a setting spread. Pure. */

import { crisp } from "../charts/frame";
import type { Ink, Mark } from "../charts/marks";
import { short } from "../numbers";
import { axisOf, cut, widthOf } from "./axes";
import { distinct, shows, type Column } from "./values";

/** Settings with more values than this are divided in parts of equal size. */
export const MOST = 24;
const PARTS = 8;
/** Of so many experiments in all, each is drawn too. */
const DOTS = 1000;

export interface Box {
  readonly label: string;
  /** From the smallest on. */
  readonly values: Float64Array;
  /** How many have the value of the setting and no result that the axis can show. */
  readonly without: number;
  readonly mean: number;
  readonly sd: number | null;
}

/** The value below which a share of sorted values lies, as numpy's `quantile` has it. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const before = sorted[low] as number;
  return before + (at - low) * ((sorted[Math.min(sorted.length - 1, low + 1)] as number) - before);
}

/** A box for each value of a setting, in their order; what has none comes last. */
export function boxesOf(result: Column, setting: Column, log: boolean): readonly Box[] {
  const groups = groupsOf(setting);
  const members: number[][] = groups.labels.map(() => []);
  const without = groups.labels.map(() => 0);
  for (let at = 0; at < result.values.length; at += 1) {
    const group = groups.of(setting.values[at] as number);
    const value = result.values[at] as number;
    if (shows(value, log)) members[group]?.push(value);
    else without[group] = (without[group] ?? 0) + 1;
  }
  return groups.labels.flatMap((label, at): Box[] => {
    const values = Float64Array.from(members[at] ?? []).sort();
    if (!values.length && !without[at]) return [];
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
    const sd = values.length > 1 ? Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1)) : null;
    return [{ label, values, without: without[at] ?? 0, mean, sd }];
  });
}

function groupsOf(setting: Column): { readonly labels: readonly string[]; of(value: number): number } {
  const found = distinct(setting, MOST);
  if (found) {
    const keys = [...found.keys()];
    const place = new Map(keys.map((one, at) => [one, at]));
    const labels = keys.map((one) => setting.labels?.[one] ?? String(Number(one.toPrecision(6))));
    return { labels: [...labels, "none"], of: (value) => place.get(value) ?? keys.length };
  }
  const sorted = Float64Array.from(setting.values).filter(Number.isFinite).sort();
  const edges = [...new Set(Array.from({ length: PARTS + 1 }, (_, at) => quantile(sorted, at / PARTS)))];
  const parts = Math.max(1, edges.length - 1);
  const labels = Array.from({ length: parts }, (_, at) => (setting.labels ? `${cut(setting.labels[Math.ceil(edges[at] ?? 0)] ?? "", 10)} …` : `${short(edges[at])}–${short(edges[at + 1])}`));
  return {
    labels: [...labels, "none"],
    of(value) {
      if (!Number.isFinite(value)) return parts;
      let at = 0;
      while (at + 1 < parts && value >= (edges[at + 1] as number)) at += 1;
      return at;
    },
  };
}

interface Look {
  readonly width: number;
  readonly height: number;
  readonly log: boolean;
  readonly strong: Ink;
}

/** What boxes and bars stand in: the axis of the results, and below it what each of them is of. */
function standing(all: readonly Box[], of: Column, { width, height, log }: Look) {
  const bottom = height - 40;
  const axis = axisOf(of, log, [bottom, 10], 42, bottom);
  const left = Math.max(40, 14 + widthOf(axis.ticks));
  const gap = (width - 12 - left) / Math.max(1, all.length);
  const said = axis.ticks.filter((one) => one.label);
  const most = Math.max(3, Math.floor(gap / 6.5));
  const marks: Mark[] = [
    { kind: "rules", points: Float32Array.from(said.flatMap((one) => [left, crisp(axis.to(one.at)), width - 12, crisp(axis.to(one.at))])), colour: "hairline" },
    ...said.map((one): Mark => ({ kind: "text", x: left - 6, y: axis.to(one.at) + 4, text: one.label, anchor: "end", colour: "muted" })),
    ...all.flatMap((one, at): Mark[] => [
      { kind: "text", x: left + gap * (at + 0.5), y: bottom + 16, text: cut(one.label, most), anchor: "middle", colour: "ink" },
      { kind: "text", x: left + gap * (at + 0.5), y: bottom + 30, text: cut(`n ${one.values.length}`, most + 2), anchor: "middle", colour: "muted" },
    ]),
  ];
  return { axis, marks, half: Math.min(28, gap * 0.3), x: (at: number) => left + gap * (at + 0.5) };
}

const line = (colour: Ink, width: number, ...points: number[]): Mark => ({ kind: "line", points: Float32Array.from(points), colour, width, alpha: 1, dash: [] });

/** Boxes beside each other: quartiles and median, whiskers to the ends, the mean as a triangle, and each result where they are few. */
export function boxes(all: readonly Box[], result: Column, look: Look): readonly Mark[] {
  const { axis, marks, half, x: place } = standing(all, result, look);
  const { strong } = look;
  const few = all.reduce((sum, one) => sum + one.values.length, 0) <= DOTS;
  all.forEach((one, at) => {
    if (!one.values.length) return;
    const x = place(at);
    const [low, first, middle, third, high] = [0, 0.25, 0.5, 0.75, 1].map((share) => axis.to(quantile(one.values, share))) as [number, number, number, number, number];
    marks.push({ kind: "band", points: Float32Array.of(x - half, third, first, x + half, third, first), colour: strong, alpha: 0.22 });
    marks.push(line(strong, 2, x - half, middle, x + half, middle), line(strong, 1, x, high, x, third), line(strong, 1, x, first, x, low));
    if (few) {
      // Side by side in a fixed order, so that equal ones are seen beside each other.
      const points = Float32Array.from([...one.values].flatMap((value, each) => [x + half * 0.8 * (((each * 0.618) % 1) * 2 - 1), axis.to(value)]));
      marks.push({ kind: "signs", sign: "dot", points, colour: "muted" });
    }
    marks.push({ kind: "signs", sign: "up", points: Float32Array.of(x, axis.to(one.mean)), colour: strong });
  });
  return marks;
}

/** Bars from zero to the means, with a line of one standard deviation to both sides. */
export function bars(all: readonly Box[], result: Column, look: Look): readonly Mark[] {
  const there = all.filter((one) => one.values.length);
  const ends = there.flatMap((one) => [one.mean - (one.sd ?? 0), one.mean + (one.sd ?? 0)]);
  const of = { ...result, values: look.log ? there.map((one) => one.mean) : [0, ...ends] };
  const { axis, marks, half, x: place } = standing(all, of, look);
  const ground = look.log ? (axis.scale.range[0] as number) : axis.to(0);
  all.forEach((one, at) => {
    if (!one.values.length) return;
    const x = place(at);
    const mean = axis.to(one.mean);
    marks.push({ kind: "band", points: Float32Array.of(x - half, Math.min(mean, ground), Math.max(mean, ground), x + half, Math.min(mean, ground), Math.max(mean, ground)), colour: look.strong, alpha: 0.6 });
    if (one.sd !== null) marks.push(line("ink", 1, x, axis.to(one.mean - one.sd), x, axis.to(one.mean + one.sd)));
  });
  return marks;
}

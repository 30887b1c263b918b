/** Curves as their difference to one of them: the baseline, an experiment or a group. Pure. */

import { firstFrom, type Curve, type GroupCurve, type Numbers, type PanelData } from "./curves";

export interface Apart {
  readonly data: PanelData;
  /** Points that have no difference, as the baseline has no value there. */
  readonly beyond: number;
}

/**
 * Each curve less the baseline at the same place. Between two points of the baseline its line is straight; outside of them there is no
 * difference. Of buckets, the band goes from the smallest to the largest difference that their points can have.
 *
 * @returns null where the baseline has no curve here, or there are no curves of experiments.
 */
export function apartFrom(data: PanelData, baseline: string): Apart | null {
  const base = new Map<string, Curve>();
  for (const one of data.curves) if (one.id === baseline) base.set(one.metric, one); // of several attempts the last
  if (!base.size) return null;
  let [beyond, notPositive] = [0, 0];
  const curves: Curve[] = [];
  for (const one of data.curves) {
    const other = base.get(one.metric);
    if (other === undefined) continue;
    const made = one.exact ? points(one, other) : buckets(one, other);
    curves.push(made.curve);
    beyond += made.beyond;
    for (const value of made.curve.low) if (value <= 0) notPositive += 1;
  }
  return { data: { ...data, curves, robust: null, totals: { ...data.totals, notPositive } }, beyond };
}

/**
 * Each group less the middle of the baseline's group at the same place: its middle, and both edges of its band.
 *
 * @param every All groups, also those that other panels show.
 * @returns null where no group is the baseline.
 */
export function groupsApartFrom(data: PanelData, every: readonly GroupCurve[], baseline: string): Apart | null {
  const base = every.find((one) => one.key === baseline);
  if (base === undefined) return null;
  const below = middleOf(base);
  let [beyond, notPositive] = [0, 0];
  const groups = data.groups.map((one): GroupCurve => {
    const less = Float64Array.from(one.x, below);
    const by = (values: Numbers) => less.map((there, at) => (values[at] as number) - there);
    const [middle, low, high] = [by(one.middle), by(one.low), by(one.high)];
    const count = Float64Array.from(one.count, (members, at) => {
      if (!members) return 0;
      if (Number.isNaN(less[at])) beyond += 1;
      else if ((low[at] as number) <= 0) notPositive += 1;
      return Number.isNaN(less[at]) ? 0 : members;
    });
    return { ...one, middle, low, high, count };
  });
  return { data: { ...data, groups, robust: null, totals: { ...data.totals, notPositive } }, beyond };
}

/** The middle of a group at a place. */
function middleOf(group: GroupCurve): (place: number) => number {
  const known = Array.from(group.x.keys()).filter((at) => group.count[at]);
  const x = Float64Array.from(known, (at) => group.x[at] as number);
  const middle = Float64Array.from(known, (at) => group.middle[at] as number);
  return (place) => lineAt(x, middle, place);
}

/** The curves of a group's members, less the middle of the baseline's group. */
export function membersApartFrom(members: PanelData, every: readonly GroupCurve[], baseline: string): PanelData {
  const base = every.find((one) => one.key === baseline);
  if (base === undefined) return members;
  const below = middleOf(base);
  const curves = members.curves.map((one) => {
    const less = Float64Array.from(one.x, below);
    const by = (values: Numbers) => less.map((there, at) => (values[at] as number) - there);
    const middle = by(one.line);
    return one.exact ? { ...one, line: middle, low: middle, high: middle } : { ...one, line: middle, low: by(one.low), high: by(one.high) };
  });
  return { ...members, curves };
}

/** The differences of single points. */
function points(one: Curve, base: Curve): { curve: Curve; beyond: number } {
  const x: number[] = [];
  const value: number[] = [];
  let beyond = 0;
  for (let at = 0; at < one.x.length; at += 1) {
    const place = one.x[at] as number;
    const there = lineAt(base.x, base.line, place);
    if (Number.isNaN(there)) {
      beyond += 1;
      continue;
    }
    x.push(place);
    value.push((one.line[at] as number) - there);
  }
  const line = Float64Array.from(value);
  return { curve: { ...one, x: Float64Array.from(x), line, low: line, high: line }, beyond };
}

/** The differences of buckets, which all curves of a panel share. */
function buckets(one: Curve, base: Curve): { curve: Curve; beyond: number } {
  const count = one.x.length;
  const [low, high, line] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  let beyond = 0;
  const known = Array.from(base.x.keys()).filter((at) => Number.isFinite(base.line[at]));
  const places = Float64Array.from(known, (at) => base.x[at] as number);
  const lasts = Float64Array.from(known, (at) => base.line[at] as number);
  for (let at = 0; at < count; at += 1) {
    const here = one.line[at] as number;
    const between = lineAt(places, lasts, one.x[at] as number);
    if (!Number.isNaN(here) && Number.isNaN(between)) beyond += 1;
    const both = Number.isFinite(base.low[at]) && Number.isFinite(base.high[at]);
    line[at] = here - between;
    low[at] = (one.low[at] as number) - (both ? (base.high[at] as number) : between);
    high[at] = (one.high[at] as number) - (both ? (base.low[at] as number) : between);
  }
  return { curve: { ...one, line, low, high }, beyond };
}

/** The value of a line at a place; of several points at one place the last. NaN outside of it, and beside a point that is not finite. */
function lineAt(x: Numbers, value: Numbers, place: number): number {
  let at = firstFrom(x, place);
  if (x[at] === place) {
    while (x[at + 1] === place) at += 1;
    const found = value[at] as number;
    return Number.isFinite(found) ? found : Number.NaN;
  }
  if (at === 0 || at >= x.length) return Number.NaN;
  const [a, b] = [x[at - 1] as number, x[at] as number];
  const [from, to] = [value[at - 1] as number, value[at] as number];
  const found = from + ((to - from) * (place - a)) / (b - a);
  return Number.isFinite(found) ? found : Number.NaN;
}

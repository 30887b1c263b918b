/** New points put behind those that are there. Pure. */

import { inside, type Curve, type Numbers, type PanelData } from "./curves";

/** From where on new points of some experiments are asked for: the last place that any of them has. */
export function lastPlace(data: PanelData, ids: readonly string[]): number {
  const places = data.curves.filter((one) => ids.includes(one.id)).map((one) => one.x[one.x.length - 1] ?? -Infinity);
  const found = Math.min(...places);
  return Number.isFinite(found) ? found : (data.range?.[0] ?? 0);
}

/**
 * The curves with their new points; null where they do not fit together, and everything must be asked for again: points were
 * written before the last place, or there are curves that were not there.
 */
export function joined(before: PanelData, news: PanelData, metrics: readonly string[]): PanelData | null {
  if (news.range === null) return before;
  if (!news.exact || news.origin !== before.origin) return null;
  const found = new Map(news.curves.filter((one) => metrics.includes(one.metric)).map((one) => [one.key, one]));
  const curves: Curve[] = [];
  let added = 0;
  for (const one of before.curves) {
    const more = found.get(one.key);
    found.delete(one.key);
    const whole = more === undefined ? one : together(one, more);
    if (whole === null) return null;
    added += whole.points - one.points;
    curves.push(whole);
  }
  if (found.size) return null;
  const [low, high] = before.range ?? news.range;
  return {
    ...before,
    curves,
    range: [low, Math.max(high, news.range[1])],
    totals: { ...before.totals, inside: before.totals.inside + added, nan: count(curves, Number.isNaN) },
  };
}

function together(one: Curve, more: Curve): Curve | null {
  const last = one.x[one.x.length - 1] ?? -Infinity;
  // Of the points at the last place, as many as are known come again.
  const known = one.x.length - inside(one.x, [last, Infinity])[0];
  const [first] = inside(more.x, [last, Infinity]);
  const fresh = first + known;
  const length = one.x.length + more.x.length - fresh;
  if (length !== more.points || length < one.x.length) return null;
  if (length === one.x.length) return one;
  const x = appended(one.x, more.x, fresh, length);
  const value = appended(one.line, more.line, fresh, length);
  return { ...one, x, low: value, high: value, line: value, points: length };
}

function appended(before: Numbers, more: Numbers, from: number, length: number): Float64Array {
  const all = new Float64Array(length);
  all.set(before);
  all.set(more.subarray(from), before.length);
  return all;
}

function count(curves: readonly Curve[], which: (value: number) => boolean): number {
  let found = 0;
  for (const one of curves) for (const value of one.line) if (which(value)) found += 1;
  return found;
}

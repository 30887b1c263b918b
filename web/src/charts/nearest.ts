/** What lies nearest to the pointer. Pure. */

import { firstFrom, type Curve, type GroupCurve, type PanelData } from "./curves";
import type { Frame } from "./frame";

export interface Found {
  readonly curve: Curve | GroupCurve;
  /** Which of its places. */
  readonly at: number;
  readonly x: number;
  readonly value: number;
  /** Where on the screen. */
  readonly pixel: readonly [number, number];
}

/** Whether a curve is that of a group. */
export function isGroup(one: Curve | GroupCurve): one is GroupCurve {
  return "members" in one;
}

/** The values of a curve that its line goes through. */
export function valuesOf(one: Curve | GroupCurve) {
  return isGroup(one) ? one.middle : one.line;
}

/** The point nearest to a place on the screen, of those near it along x; null where there is none. */
export function nearest(data: PanelData, frame: Frame, x: number, y: number): Found | null {
  const { xs } = frame;
  const wanted = xs.back(x);
  let best: Found | null = null;
  let least = Infinity;
  for (const curve of data.groups.length ? data.groups : data.curves) {
    const at = nearestPlace(curve, wanted, xs.domain);
    const point = at < 0 ? null : pointOf(curve, at, frame);
    if (point === null) continue;
    const away = Math.hypot((point.pixel[0] - x) / 2, point.pixel[1] - y);
    if (away < least) [least, best] = [away, point];
  }
  return best;
}

/** A point of a curve, and where it is on the screen; null where it has no place there. */
function pointOf(curve: Curve | GroupCurve, at: number, { xs, ys, plot }: Frame): Found | null {
  const place = curve.x[at] as number;
  const value = valuesOf(curve)[at] as number;
  const raw = Number.isFinite(value) ? ys.to(value) : plot.y + (value === Infinity ? 0 : plot.height);
  const py = Math.min(Math.max(raw, plot.y), plot.y + plot.height);
  return py === py ? { curve, at, x: place, value, pixel: [xs.to(place), py] } : null;
}

/**
 * The point that an arrow key leads to: left and right along the curve, up and down to the next one at the same place.
 *
 * @param count How many points at once.
 */
export function stepped(data: PanelData, frame: Frame, from: Found, key: string, count = 1): Found | null {
  const { xs } = frame;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const way = key === "ArrowLeft" ? -1 : 1;
    let found: Found | null = null;
    let left = count;
    for (let at = from.at + way; at >= 0 && at < from.curve.x.length && left > 0; at += way) {
      const place = from.curve.x[at] as number;
      if (place < xs.domain[0] || place > xs.domain[1]) break;
      const point = isEmpty(from.curve, at) ? null : pointOf(from.curve, at, frame);
      if (point === null) continue;
      found = point;
      left -= 1;
    }
    return found;
  }
  const way = key === "ArrowUp" ? -1 : 1;
  const order = (one: Found) => way * (one.pixel[1] - from.pixel[1]);
  let best: Found | null = null;
  let here = false;
  for (const curve of data.groups.length ? data.groups : data.curves) {
    const at = nearestPlace(curve, from.x, xs.domain);
    const point = at < 0 ? null : pointOf(curve, at, frame);
    // Of curves that lie on each other, the later ones are below.
    const beyond = point !== null && curve !== from.curve && (order(point) > 0 || (order(point) === 0 && here === way > 0));
    if (curve === from.curve) here = true;
    if (beyond && point && (best === null || order(point) < order(best) || (way < 0 && order(point) === order(best)))) best = point;
  }
  return best;
}

/** The place of a curve nearest to a value of x; of several at the same the last one. -1 where none is shown. */
export function nearestPlace(one: Curve | GroupCurve, x: number, within: readonly [number, number]): number {
  let at = firstFrom(one.x, x);
  const known = (place: number) => place >= 0 && place < one.x.length && !isEmpty(one, place);
  let before = at - 1;
  while (at < one.x.length && !known(at)) at += 1;
  while (before >= 0 && !known(before)) before -= 1;
  const after = known(at) ? (one.x[at] as number) - x : Infinity;
  const back = before >= 0 ? x - (one.x[before] as number) : Infinity;
  let found = back < after ? before : at;
  const place = one.x[found];
  if (place === undefined || place < within[0] || place > within[1]) return -1;
  while (one.x[found + 1] === place && known(found + 1)) found += 1;
  return found;
}

/** Whether there is no point at a place. */
function isEmpty(one: Curve | GroupCurve, at: number): boolean {
  if (isGroup(one)) return (one.count[at] as number) === 0;
  return !one.exact && (one.low[at] as number) !== (one.low[at] as number) && !one.nonfinite?.[at];
}

/** The value of a curve at a place, straight between its points; NaN outside. */
export function valueAt(one: Curve | GroupCurve, x: number): number {
  const values = valuesOf(one);
  const at = firstFrom(one.x, x);
  if (one.x[at] === x) return values[at] as number;
  if (at === 0 || at >= one.x.length) return Number.NaN;
  const [a, b] = [one.x[at - 1] as number, one.x[at] as number];
  const [low, high] = [values[at - 1] as number, values[at] as number];
  return low + ((high - low) * (x - a)) / (b - a);
}

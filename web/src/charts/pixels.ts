/**
 * Curves as points on the screen: no more of them than can be seen, and every pixel that any point of the curve touches.
 *
 * Of the points in one column of pixels a line keeps the first, the smallest, the largest and the last: what is drawn through
 * these covers the same pixels as a line through all of them.
 */

import { inside, type Numbers } from "./curves";
import type { Scale } from "./scale";

/** A line through values: x and y by turns, NaN where it breaks. */
export function pixelLine(x: Numbers, value: Numbers, xs: Scale, ys: Scale, breaks: Numbers | null = null): Float32Array {
  const [first, stop] = around(x, xs);
  const dense = stop - first > 2 * Math.abs(xs.range[1] - xs.range[0]);
  return dense ? dividedLine(x, value, xs, ys, first, stop, breaks) : wholeLine(x, value, xs, ys, first, stop, breaks);
}

/** A line through every point in view, for what finds the pixels of many lines itself. */
export function everyPoint(x: Numbers, value: Numbers, xs: Scale, ys: Scale, breaks: Numbers | null = null): Float32Array {
  return wholeLine(x, value, xs, ys, ...around(x, xs), breaks);
}

/** The places in view, with one more at each side: lines go on beyond the edge. */
function around(x: Numbers, xs: Scale): [number, number] {
  const [first, stop] = inside(x, xs.domain);
  return [Math.max(0, first - 1), Math.min(x.length, stop + 1)];
}

function wholeLine(x: Numbers, value: Numbers, xs: Scale, ys: Scale, first: number, stop: number, breaks: Numbers | null): Float32Array {
  const points = new Float32Array(2 * (stop - first));
  const { range, zero, per, log } = xs;
  const begin = range[0];
  const { zero: lowest, per: rising, log: bent } = ys;
  const bottom = ys.range[0];
  let at = 0;
  for (let one = first; one < stop; one += 1) {
    const given = value[one] as number;
    let y = bent ? Number.NaN : bottom + (given - lowest) * rising;
    if (!(y < FAR && y > -FAR)) y = pixelOf(given, ys);
    // A bucket without a point interrupts nothing; one whose points are all NaN does.
    if (y !== y && breaks !== null && !breaks[one]) continue;
    const place = x[one] as number;
    points[at] = log ? xs.to(place) : begin + (place - zero) * per;
    points[at + 1] = y;
    at += 2;
  }
  return points.subarray(0, at);
}

/** Where a line is written before its length is known; each line is copied from here. */
let written = new Float32Array(4096);

function dividedLine(x: Numbers, value: Numbers, xs: Scale, ys: Scale, first: number, stop: number, breaks: Numbers | null): Float32Array {
  // No column keeps more points than it has, and a gap stands for a point that is kept nowhere.
  if (written.length < 2 * (stop - first)) written = new Float32Array(4 * (stop - first));
  const found = written;
  const { range, zero, per, log } = xs;
  const left = range[0];
  let length = 0;
  let column = Number.NEGATIVE_INFINITY;
  let gap = false;
  let [begin, low, high, end] = [0, 0, 0, 0];
  let [lowAt, highAt] = [0, 0];
  for (let one = first; one <= stop; one += 1) {
    let y = Number.NaN;
    let here = Number.POSITIVE_INFINITY; // behind the last point the last column ends
    if (one < stop) {
      y = pixelOf(value[one] as number, ys);
      if (y !== y) {
        if (breaks === null || breaks[one]) gap = true;
        continue;
      }
      const place = x[one] as number;
      here = Math.floor(log ? xs.to(place) : left + (place - zero) * per);
      if (here === column && !gap) {
        if (y < low) {
          low = y;
          lowAt = one;
        }
        if (y > high) {
          high = y;
          highAt = one;
        }
        end = y;
        continue;
      }
    }
    if (column !== Number.NEGATIVE_INFINITY) {
      const middle = column + 0.5;
      const a = lowAt <= highAt ? low : high;
      const b = lowAt <= highAt ? high : low;
      found[length] = middle;
      found[length + 1] = begin;
      length += 2;
      if (a !== begin) {
        found[length] = middle;
        found[length + 1] = a;
        length += 2;
      }
      if (b !== a) {
        found[length] = middle;
        found[length + 1] = b;
        length += 2;
      }
      if (end !== b) {
        found[length] = middle;
        found[length + 1] = end;
        length += 2;
      }
    }
    if (one === stop) break;
    if (gap && length) {
      found[length] = here;
      found[length + 1] = Number.NaN;
      length += 2;
    }
    column = here;
    gap = false;
    begin = low = high = end = y;
    lowAt = highAt = one;
  }
  return found.slice(0, length);
}

/** A band between two edges: x, upper and lower by turns. Of several places in one column the outermost count. */
export function pixelBand(x: Numbers, low: Numbers, high: Numbers, xs: Scale, ys: Scale): Float32Array {
  const [first, stop] = around(x, xs);
  const found: number[] = [];
  let column = Number.NEGATIVE_INFINITY;
  for (let one = first; one < stop; one += 1) {
    const top = edge(high[one] as number, ys);
    const bottom = edge(low[one] as number, ys);
    if (top !== top || bottom !== bottom) continue;
    const place = xs.to(x[one] as number);
    const last = found.length - 3;
    if (last >= 0 && Math.floor(place) === column) {
      found[last + 1] = Math.min(found[last + 1] as number, top);
      found[last + 2] = Math.max(found[last + 2] as number, bottom);
    } else {
      column = Math.floor(place);
      found.push(place, top, bottom);
    }
  }
  return Float32Array.from(found);
}

const FAR = 1e4;

/** The pixel of a finite value, no farther away than a canvas can draw; NaN for all others. */
function pixelOf(value: number, ys: Scale): number {
  if (value - value !== 0) return Number.NaN;
  const y = ys.log ? ys.to(value) : ys.range[0] + (value - ys.zero) * ys.per;
  return y > FAR ? FAR : y < -FAR ? -FAR : y;
}

/** The pixel of the edge of a band: beyond the axis where the value is infinite, or not above 0 on a logarithmic one. */
function edge(value: number, ys: Scale): number {
  if (value === Infinity) return -FAR;
  if (value === -Infinity || (ys.log && value <= 0)) return FAR;
  return pixelOf(value, ys);
}

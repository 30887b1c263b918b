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

/** The places in view, with one more at each side: lines go on beyond the edge. */
function around(x: Numbers, xs: Scale): [number, number] {
  const [first, stop] = inside(x, xs.domain);
  return [Math.max(0, first - 1), Math.min(x.length, stop + 1)];
}

function wholeLine(x: Numbers, value: Numbers, xs: Scale, ys: Scale, first: number, stop: number, breaks: Numbers | null): Float32Array {
  const points = new Float32Array(2 * (stop - first));
  let at = 0;
  for (let one = first; one < stop; one += 1) {
    const y = pixelOf(value[one] as number, ys);
    // A bucket without a point interrupts nothing; one whose points are all NaN does.
    if (y !== y && breaks !== null && !breaks[one]) continue;
    points[at] = xs.to(x[one] as number);
    points[at + 1] = y;
    at += 2;
  }
  return points.subarray(0, at);
}

function dividedLine(x: Numbers, value: Numbers, xs: Scale, ys: Scale, first: number, stop: number, breaks: Numbers | null): Float32Array {
  const found: number[] = [];
  let column = Number.NEGATIVE_INFINITY;
  let [begin, low, high, end, gap] = [0, 0, 0, 0, false];
  let [lowAt, highAt] = [0, 0];
  const flush = () => {
    if (column === Number.NEGATIVE_INFINITY) return;
    const middle = column + 0.5;
    found.push(middle, begin);
    const [a, b] = lowAt <= highAt ? [low, high] : [high, low];
    if (a !== begin) found.push(middle, a);
    if (b !== a) found.push(middle, b);
    if (end !== b) found.push(middle, end);
  };
  for (let one = first; one < stop; one += 1) {
    const y = pixelOf(value[one] as number, ys);
    if (y !== y) {
      if (breaks === null || breaks[one]) gap = true;
      continue;
    }
    const here = Math.floor(xs.to(x[one] as number));
    if (here !== column || gap) {
      flush();
      if (gap && found.length) found.push(here, Number.NaN);
      column = here;
      gap = false;
      [begin, low, high, end, lowAt, highAt] = [y, y, y, y, one, one];
      continue;
    }
    if (y < low) [low, lowAt] = [y, one];
    if (y > high) [high, highAt] = [y, one];
    end = y;
  }
  flush();
  return Float32Array.from(found);
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
  const y = ys.to(value);
  return y > FAR ? FAR : y < -FAR ? -FAR : y;
}

/** The pixel of the edge of a band: beyond the axis where the value is infinite, or not above 0 on a logarithmic one. */
function edge(value: number, ys: Scale): number {
  if (value === Infinity) return -FAR;
  if (value === -Infinity || (ys.log && value <= 0)) return FAR;
  return pixelOf(value, ys);
}

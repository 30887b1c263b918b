/**
 * Very many lines as pixels: a canvas takes a quarter of a second to stroke a thousand lines, this a tenth of it. Pure.
 *
 * Each line covers, in each column of pixels, the stretch from its lowest to its highest place there: as a line through all its
 * points does. Where it begins and ends is noted in the column, and one run down the column adds up how many lines cover each
 * pixel and which colours they have. What comes out does not depend on the order of the lines.
 */

/** Lines of one colour: x and y by turns, NaN where one breaks; x never descends. */
export interface RasterLine {
  readonly points: Float32Array;
  /** Red, green and blue, each from 0 to 255. */
  readonly colour: readonly [number, number, number];
}

/** Where on the screen, in pixels of the device. */
export interface RasterBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** How many pixels of the device one of CSS is. */
  readonly ratio: number;
}

/** Into how many parts a pixel is divided where a line covers part of it. */
const PARTS = 64;
/** Two numbers are kept in one, the first as multiples of this: half as many to add, and all exact. */
const COUNT = 2 ** 30;
const GREEN = 2 ** 26;

/** How many lines cover a pixel and their red, then their green and blue, by turns: column by column, as what changes from the pixel above. */
let changes = new Float64Array(0);
/** From where to where a line covers each column. */
let lows = new Float64Array(0);
let highs = new Float64Array(0);

/**
 * Red, green, blue and opacity of each pixel of a box, row by row.
 *
 * @param width How thick a line is, in pixels of CSS.
 * @param alpha How opaque one line is; where several cross it is darker.
 */
export function rasterised(all: readonly RasterLine[], box: RasterBox, width: number, alpha: number): Uint8ClampedArray<ArrayBuffer> {
  const size = 2 * box.width * (box.height + 2);
  if (changes.length < size) changes = new Float64Array(size);
  else changes.fill(0, 0, size);
  if (lows.length < box.width) {
    lows = new Float64Array(box.width);
    highs = new Float64Array(box.width);
  }
  for (const one of all) {
    const { points } = one;
    for (let begin = 0; begin < points.length; ) {
      let end = begin;
      while (end < points.length && points[end + 1] === points[end + 1]) end += 2;
      if (end > begin) {
        // No other columns than those from its first point to its last are covered, and looked at.
        const left = Math.max(0, Math.floor((points[begin] as number) * box.ratio - box.x));
        const right = Math.max(left, Math.min(box.width, Math.floor((points[end - 2] as number) * box.ratio - box.x) + 1));
        lows.fill(Infinity, left, right);
        highs.fill(-Infinity, left, right);
        const [first, stop] = span(points, begin, end, box);
        add(one.colour, first, stop, box.height, (width * box.ratio) / 2);
      }
      begin = end + 2;
    }
  }
  return coloured(box, Math.log1p(-Math.min(alpha, 0.999)) / PARTS);
}

/** Find from where to where a line without a gap covers each column; answers the first of them and the one after the last. */
function span(points: Float32Array, begin: number, end: number, { x, y, width, ratio }: RasterBox): [number, number] {
  const [low, high] = [lows, highs];
  let beforeX = (points[begin] as number) * ratio - x;
  let beforeY = (points[begin + 1] as number) * ratio - y;
  let column = Math.floor(beforeX);
  const first = Math.max(0, column);
  if (column >= 0 && column < width) low[column] = high[column] = beforeY;
  for (let at = begin + 2; at < end && column < width; at += 2) {
    const hereX = (points[at] as number) * ratio - x;
    const hereY = (points[at + 1] as number) * ratio - y;
    const here = Math.floor(hereX);
    if (here > column) {
      const slope = (hereY - beforeY) / (hereX - beforeX);
      // What lies left of the box is passed over in one step.
      if (column < 0) column = Math.min(here, 0) - 1;
      const stop = Math.min(here, width);
      for (; column < stop; ) {
        const edge = beforeY + slope * (column + 1 - beforeX);
        if (column >= 0) {
          if (edge < (low[column] as number)) low[column] = edge;
          if (edge > (high[column] as number)) high[column] = edge;
        }
        column += 1;
        if (column >= 0 && column < width) low[column] = high[column] = edge;
      }
      column = here;
    }
    if (here >= 0 && here < width) {
      if (hereY < (low[here] as number)) low[here] = hereY;
      if (hereY > (high[here] as number)) high[here] = hereY;
    }
    beforeX = hereX;
    beforeY = hereY;
  }
  return [first, Math.min(width, column + 1)];
}

/** Add what a line covers to what all cover. */
function add([red, green, blue]: RasterLine["colour"], first: number, stop: number, height: number, half: number): void {
  const found = changes;
  const tall = 2 * (height + 2);
  const one = COUNT + red;
  const other = green * GREEN + blue;
  for (let column = first; column < stop; column += 1) {
    const low = (lows[column] as number) - half;
    const high = (highs[column] as number) + half;
    if (!(high > 0 && low < height)) continue;
    const top = low > 0 ? Math.round(low * PARTS) : 0;
    const bottom = high < height ? Math.round(high * PARTS) : height * PARTS;
    const above = Math.floor(top / PARTS);
    const below = Math.floor(bottom / PARTS);
    // The pixel at an end counts as much of it as is covered, and the one after it makes up what it lacks.
    const lack = top - above * PARTS;
    const rest = bottom - below * PARTS;
    let at = column * tall + 2 * above;
    found[at] = (found[at] as number) + (PARTS - lack) * one;
    found[at + 1] = (found[at + 1] as number) + (PARTS - lack) * other;
    found[at + 2] = (found[at + 2] as number) + lack * one;
    found[at + 3] = (found[at + 3] as number) + lack * other;
    at = column * tall + 2 * below;
    found[at] = (found[at] as number) - (PARTS - rest) * one;
    found[at + 1] = (found[at + 1] as number) - (PARTS - rest) * other;
    found[at + 2] = (found[at + 2] as number) - rest * one;
    found[at + 3] = (found[at + 3] as number) - rest * other;
  }
}

function coloured({ width, height }: RasterBox, fading: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * width * height);
  const found = changes;
  for (let column = 0; column < width; column += 1) {
    let [one, other] = [0, 0];
    let at = 2 * column * (height + 2);
    for (let row = 0; row < height; row += 1, at += 2) {
      one += found[at] as number;
      other += found[at + 1] as number;
      if (one < COUNT) continue;
      const count = Math.floor(one / COUNT);
      const green = Math.floor(other / GREEN);
      const to = 4 * (row * width + column);
      pixels[to] = (one - count * COUNT) / count;
      pixels[to + 1] = green / count;
      pixels[to + 2] = (other - green * GREEN) / count;
      pixels[to + 3] = 255 * (1 - Math.exp(fading * count));
    }
  }
  return pixels;
}

/** Red, green and blue of a colour as `#rrggbb`. */
export function rgbOf(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

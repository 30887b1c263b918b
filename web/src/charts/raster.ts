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
  /** Lengths of line and gap by turns along x, in pixels of CSS. What stands out of a gap is drawn: no spike falls into one. */
  readonly dash?: readonly number[];
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
const SHIFT = 6;
const PARTS = 1 << SHIFT;
/** Two numbers are kept in one, the first as multiples of this: half as many to add, and all exact. */
const COUNT = 2 ** 30;
const GREEN = 2 ** 26;

/** How many lines cover a pixel and their red, then their green and blue, by turns: column by column, as what changes from the pixel above. */
let changes = new Float64Array(0);
/** So many stretches of lines are added up together, so many columns at a time: what is added to stays at hand. */
const TOGETHER = 64;
const COLUMNS = 16;
/** From where to where each stretch covers each column: column by column, stretch after stretch. */
let lows = new Float32Array(0);
let highs = new Float32Array(0);
/** Of each stretch, its first column and the one after its last. */
const firsts = new Int32Array(TOGETHER);
const stops = new Int32Array(TOGETHER);

/**
 * Red, green, blue and opacity of each pixel of a box, row by row.
 *
 * @param width How thick a line is, in pixels of CSS.
 * @param alpha How opaque one line is; where several cross it is darker.
 * @param into Where the pixels are written, of the same size; a new array if null.
 */
export function rasterised(all: readonly RasterLine[], box: RasterBox, width: number, alpha: number, into: Uint8ClampedArray<ArrayBuffer> | null = null): Uint8ClampedArray<ArrayBuffer> {
  const size = 2 * box.width * (box.height + 2);
  if (changes.length < size) changes = new Float64Array(size);
  else changes.fill(0, 0, size);
  if (lows.length < TOGETHER * box.width) {
    lows = new Float32Array(TOGETHER * box.width);
    highs = new Float32Array(TOGETHER * box.width);
  }
  const half = (width * box.ratio) / 2;
  const colours: RasterLine["colour"][] = [];
  let stretches = 0; // a pixel is covered at most once by each
  for (const one of all) {
    const { points } = one;
    for (let begin = 0; begin < points.length; ) {
      let end = begin;
      while (end < points.length && points[end + 1] === points[end + 1]) end += 2;
      if (end > begin) {
        const from = colours.length * box.width;
        // No other columns than those from its first point to its last are covered, and looked at.
        const left = Math.max(0, Math.floor((points[begin] as number) * box.ratio - box.x));
        const right = Math.max(left, Math.min(box.width, Math.floor((points[end - 2] as number) * box.ratio - box.x) + 1));
        lows.fill(Infinity, from + left, from + right);
        highs.fill(-Infinity, from + left, from + right);
        const [first, stop] = span(points, begin, end, box, from);
        if (one.dash?.length) gaps(one.dash, first, stop, box.ratio, from);
        firsts[colours.length] = first;
        stops[colours.length] = stop;
        stretches += 1;
        if (colours.push(one.colour) === TOGETHER) {
          add(colours, box, half);
          colours.length = 0;
        }
      }
      begin = end + 2;
    }
  }
  add(colours, box, half);
  return coloured(box, Math.log1p(-Math.min(alpha, 0.999)) / PARTS, stretches * PARTS, into);
}

/** Find from where to where a line without a gap covers each column; answers the first of them and the one after the last. */
function span(points: Float32Array, begin: number, end: number, { x, y, width, ratio }: RasterBox, from: number): [number, number] {
  const low = lows.subarray(from, from + width);
  const high = highs.subarray(from, from + width);
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

/** How far a line may lead out of what is drawn before a gap and still be left out there, in pixels of CSS. */
const ASIDE = 6;

/** Leave a line out where its dashes have a gap, and it does not go elsewhere than just before. */
function gaps(dash: readonly number[], first: number, stop: number, ratio: number, from: number): void {
  let part = 0;
  let end = first + (dash[0] as number) * ratio;
  let [low, high] = [Infinity, -Infinity];
  for (let column = first; column < stop; column += 1) {
    while (column >= end) {
      part = (part + 1) % dash.length;
      end += (dash[part] as number) * ratio;
      if (part % 2 === 0) [low, high] = [Infinity, -Infinity];
    }
    const [top, bottom] = [lows[from + column] as number, highs[from + column] as number];
    if (part % 2 === 0) {
      if (top < low) low = top;
      if (bottom > high) high = bottom;
    } else if (top >= low - ASIDE * ratio && bottom <= high + ASIDE * ratio) highs[from + column] = -Infinity;
  }
}

/** Add what stretches of these colours cover to what all cover. */
function add(colours: readonly RasterLine["colour"][], box: RasterBox, half: number): void {
  for (let left = 0; left < box.width; left += COLUMNS) {
    for (const [at, colour] of colours.entries()) {
      const first = Math.max(left, firsts[at] as number);
      const stop = Math.min(left + COLUMNS, stops[at] as number);
      if (first < stop) stack(colour, first, stop, box.height, half, at * box.width);
    }
  }
}

/** Add what a stretch covers of some columns. */
function stack([red, green, blue]: RasterLine["colour"], first: number, stop: number, height: number, half: number, from: number): void {
  const found = changes;
  const tall = 2 * (height + 2);
  const one = COUNT + red;
  const other = green * GREEN + blue;
  for (let column = first; column < stop; column += 1) {
    const low = (lows[from + column] as number) - half;
    const high = (highs[from + column] as number) + half;
    if (!(high > 0 && low < height)) continue;
    const top = low > 0 ? (low * PARTS + 0.5) | 0 : 0;
    const bottom = high < height ? (high * PARTS + 0.5) | 0 : height * PARTS;
    const above = top >> SHIFT;
    const below = bottom >> SHIFT;
    // The pixel at an end counts as much of it as is covered, and the one after it makes up what it lacks.
    const lack = top & (PARTS - 1);
    const rest = bottom & (PARTS - 1);
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

/** So many columns are run down beside each other: what they come to lies side by side in a row. */
const ABREAST = 8;
/** The opacity of a pixel by how much covers it, as far as it was needed, for the fading that it was reckoned with. */
let opacities = new Int16Array(0);
let faded = 0;

function coloured({ width, height }: RasterBox, fading: number, most: number, into: Uint8ClampedArray<ArrayBuffer> | null): Uint8ClampedArray<ArrayBuffer> {
  const pixels = into ?? new Uint8ClampedArray(4 * width * height);
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, width * height);
  if (into) words.fill(0);
  if (faded !== fading || opacities.length <= most) {
    opacities = new Int16Array(most + 1).fill(-1);
    faded = fading;
  }
  const found = changes;
  const known = opacities;
  const tall = 2 * (height + 2);
  const ones = new Float64Array(ABREAST);
  const others = new Float64Array(ABREAST);
  for (let left = 0; left < width; left += ABREAST) {
    const columns = Math.min(ABREAST, width - left);
    ones.fill(0);
    others.fill(0);
    for (let row = 0; row < height; row += 1) {
      let at = left * tall + 2 * row;
      for (let column = 0; column < columns; column += 1, at += tall) {
        const one = (ones[column] as number) + (found[at] as number);
        const other = (others[column] as number) + (found[at + 1] as number);
        ones[column] = one;
        others[column] = other;
        if (one < COUNT) continue;
        const count = Math.floor(one / COUNT);
        const share = 1 / count;
        const green = Math.floor(other / GREEN);
        let opacity = known[count] as number;
        if (opacity < 0) opacity = known[count] = Math.round(255 * (1 - Math.exp(fading * count)));
        const red = (one - count * COUNT) * share + 0.5;
        words[row * width + left + column] = (opacity << 24) | (((other - green * GREEN) * share + 0.5) << 16) | ((green * share + 0.5) << 8) | red;
      }
    }
  }
  return pixels;
}

/** Red, green and blue of a colour as `#rrggbb`. */
export function rgbOf(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

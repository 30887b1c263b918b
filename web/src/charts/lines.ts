/**
 * The line chart: a curve and a band for each experiment, or for each group. Pure; its example is `lines.example.ts`.
 *
 * Up to 200 curves are lines as strong as they can be told apart. Of more, all are drawn, thin and see-through, so that where
 * many run is dark, and those that stand out are drawn over them.
 */

import type { Unit } from "../numbers";
import type { Colour } from "../colours";
import { extentOf, inside, valueRange, type Curve, type Density, type GroupCurve, type PanelData } from "./curves";
import { crisp, frame, type Frame, type XKind } from "./frame";
import type { Box, Ink, Mark } from "./marks";
import { everyPoint, pixelBand, pixelLine } from "./pixels";
import { padded, type Range, type Scale } from "./scale";

export interface LinesOptions {
  readonly width: number;
  readonly height: number;
  readonly dark: boolean;
  readonly xKind: XKind;
  readonly xLog: boolean;
  readonly yLog: boolean;
  readonly xName?: string;
  /** What values count; numbers alone if not given. */
  readonly unit?: Unit;
  /** The part of x that is shown; null for all of it. */
  readonly x: Range | null;
  /** The part of y that is shown; null for where the values lie. */
  readonly y: Range | null;
  /** Whether the range of y is that of most values, and not of all. */
  readonly robust: boolean;
  readonly band: boolean;
  /** The colour of a curve or a group. */
  colour(one: Curve | GroupCurve): Colour;
  /** Lengths of line and gap that say something else than the colour. */
  dash?(one: Curve | GroupCurve): readonly number[];
  /** The experiment or group that is drawn over all others. */
  readonly above?: string | null;
  /** What stands out where there are too many to tell apart. */
  readonly best?: ReadonlySet<string>;
  /** The same curves before they were smoothed; drawn faintly behind. */
  readonly behind?: PanelData | null;
}

export interface Drawing {
  readonly marks: readonly Mark[];
  readonly frame: Frame;
}

export const MANY = 200;
/** Beyond so many, lines are laid over each other pixel by pixel: a canvas strokes each for itself, and takes several frames. */
const SIDE_BY_SIDE = 60;

/** The chart of a panel; null where there is nothing that its axes can show. */
export function lines(data: PanelData, options: LinesOptions): Drawing | null {
  const x = options.x ?? data.range;
  if (x === null) return null;
  if (data.density !== null) return crowd(data, data.density, x, options);
  const found = options.y ?? (options.robust && data.robust !== null ? data.robust : valueRange(data, x, options.yLog));
  if (found === null) return null;
  const positive: Range = options.yLog && found[0] <= 0 ? (valueRange(data, x, true) ?? [0.1, 1]) : found;
  const y = options.y ?? padded(positive, 0.04, options.yLog);
  const made = frame({ ...options, x, y, origin: data.origin });
  const marks = [
    ...(options.behind ? faint(options.behind, made, options) : []),
    ...(data.groups.length ? groups(data.groups, made, options) : curves(data.curves, made, options)),
  ];
  return { frame: made, marks: [...made.marks, { kind: "inside", box: made.plot, marks }, ...dots(data, made, options), ...beyond(data, made, options)] };
}

/** Very many as the density of all lines, and over it those that end best. */
function crowd(data: PanelData, density: Density, x: Range, given: LinesOptions): Drawing {
  const options = { ...given, xLog: density.xLog, yLog: density.yLog }; // as it was counted: other axes are being asked for
  const made = frame({ ...options, x, y: given.y && !(density.yLog && given.y[0] <= 0) ? given.y : density.y, origin: data.origin });
  const { xs, ys, plot } = made;
  const [left, right] = density.x.map((at) => xs.to(at)) as [number, number];
  const [low, high] = density.y.map((at) => ys.to(at)) as [number, number];
  const box = { x: left, y: high, width: Math.max(1, right - left), height: low - high };
  const { columns, rows, counts } = density;
  const marks: Mark[] = [{ kind: "density", box, columns, rows, counts, colour: "muted" }, ...curves(data.curves, made, options)];
  return { frame: made, marks: [...made.marks, { kind: "inside", box: plot, marks }] };
}

function curves(all: readonly Curve[], { xs, ys, plot }: Frame, options: LinesOptions): Mark[] {
  const many = all.length > MANY;
  const alpha = many ? Math.max(0.1, 40 / all.length) : all.length > 40 ? 0.75 : 1;
  const bands: Mark[] = [];
  const under: Mark[] = [];
  const over: Mark[] = [];
  const alike: { points: Float32Array; colour: Ink; dash?: readonly number[] }[] = [];
  for (const one of all) {
    const colour = shade(options.colour(one), options.dark);
    const outstanding = one.id === options.above || (many && options.best?.has(one.id));
    if (options.band && !one.exact && (all.length <= 40 || outstanding)) {
      const share = all.length > 12 ? 0.1 : 0.22;
      bands.push({ kind: "band", points: pixelBand(one.x, one.low, one.high, xs, ys), colour, alpha: share });
      // The edges are lines, so that a spike of one bucket is seen: a band that is a pixel wide is not.
      for (const edge of [one.low, one.high]) {
        const points = pixelLine(one.x, edge, xs, ys, one.nonfinite);
        bands.push({ kind: "line", points, colour, width: 0.75, alpha: share + 0.33, dash: [] });
      }
    }
    // Of many buckets that are drawn without a band, the line itself goes through the extremes: no spike is left out.
    const through = !one.exact && options.band && all.length > 40 && !outstanding;
    if ((many || all.length > SIDE_BY_SIDE) && !outstanding) {
      const whole = through ? extremes(one, xs, ys) : everyPoint(one.x, one.line, xs, ys, one.nonfinite);
      // Beyond `MANY` nobody tells one line from another, dashed or not.
      alike.push({ points: whole, colour, ...(many ? {} : { dash: options.dash?.(one) ?? options.colour(one).dash }) });
      continue;
    }
    const points = through ? extremes(one, xs, ys) : pixelLine(one.x, one.line, xs, ys, one.nonfinite);
    const [first, stop] = inside(one.x, xs.domain);
    if (stop - first === 1 && one.exact) continue; // a line of one point is no line: see `dots`
    const dash = options.dash?.(one) ?? options.colour(one).dash;
    (outstanding ? over : under).push({
      kind: "line",
      points,
      colour,
      width: outstanding ? (many ? 1.25 : 2) : all.length > 40 ? 1 : 1.5,
      alpha: outstanding ? 1 : alpha,
      dash,
    });
  }
  if (alike.length) under.unshift({ kind: "many", lines: alike, box: plot, width: many ? 0.75 : 1, alpha });
  return [...bands, ...under, ...over];
}

/** Curves of one point. Their signs are whole also at an edge, where lines are cut off. */
function dots(data: PanelData, { xs, ys, plot }: Frame, options: LinesOptions): Mark[] {
  if (data.curves.length > SIDE_BY_SIDE) return [];
  return data.curves.flatMap((one): Mark[] => {
    const [first, stop] = inside(one.x, xs.domain);
    if (stop - first !== 1 || !one.exact) return [];
    const points = within(pixelLine(one.x, one.line, xs, ys, one.nonfinite), plot);
    return points.length ? [{ kind: "signs", sign: "dot", points, colour: shade(options.colour(one), options.dark) }] : [];
  });
}

/** The points that lie in a box or on its edge. */
export function within(points: Float32Array, box: Box): Float32Array {
  const found: number[] = [];
  for (let at = 0; at + 1 < points.length; at += 2) {
    const x = points[at] as number;
    const y = points[at + 1] as number;
    if (x >= box.x - 0.5 && x <= box.x + box.width + 0.5 && y >= box.y - 0.5 && y <= box.y + box.height + 0.5) found.push(x, y);
  }
  return Float32Array.from(found);
}

/** A line down and up each bucket. */
function extremes(one: Curve, xs: Scale, ys: Scale): Float32Array {
  const [first, stop] = inside(one.x, xs.domain);
  const x = new Float64Array(2 * (stop - first));
  const value = new Float64Array(2 * (stop - first));
  const gaps = new Uint8Array(2 * (stop - first));
  for (let at = first; at < stop; at += 1) {
    const here = 2 * (at - first);
    x[here] = x[here + 1] = one.x[at] as number;
    value[here] = one.low[at] as number;
    value[here + 1] = one.high[at] as number;
    gaps[here] = gaps[here + 1] = one.nonfinite?.[at] ? 1 : 0;
  }
  return pixelLine(x, value, xs, ys, gaps);
}

function groups(all: readonly GroupCurve[], { xs, ys }: Frame, options: LinesOptions): Mark[] {
  const bands: Mark[] = [];
  const over: Mark[] = [];
  for (const one of all) {
    const colour = shade(options.colour(one), options.dark);
    const above = one.key === options.above;
    if (options.band && one.low !== one.middle) {
      bands.push({ kind: "band", points: pixelBand(one.x, one.low, one.high, xs, ys), colour, alpha: above ? 0.3 : 0.16 });
    }
    const points = pixelLine(one.x, one.middle, xs, ys, one.count.map((count) => (count > 0 ? 1 : 0)) as Uint8Array);
    const dash = options.dash?.(one) ?? options.colour(one).dash;
    over.push({ kind: "line", points, colour, width: above ? 2.5 : 1.75, alpha: 1, dash });
  }
  return [...bands, ...over];
}

function faint(data: PanelData, { xs, ys }: Frame, options: LinesOptions): Mark[] {
  return data.curves.map((one) => ({
    kind: "line",
    points: pixelLine(one.x, one.line, xs, ys, one.nonfinite),
    colour: shade(options.colour(one), options.dark),
    width: 1,
    alpha: Math.max(0.05, Math.min(0.25, 8 / data.curves.length)),
    dash: [],
  }));
}

/** Signs at the edge for what has no place inside: NaN, the infinities, and what lies above or below the axis. */
function beyond(data: PanelData, { plot, xs, ys }: Frame, options: LinesOptions): Mark[] {
  const found = { nan: new Map<string, number[]>(), up: new Map<string, number[]>(), down: new Map<string, number[]>() };
  if (data.curves.length > MANY) return [];
  for (const one of data.curves) {
    const extent = extentOf(one);
    if (extent.finite && one.exact && extent.low >= ys.domain[0] && extent.high <= ys.domain[1]) continue;
    const colour = shade(options.colour(one), options.dark);
    const [first, stop] = inside(one.x, xs.domain);
    const last = { nan: -Infinity, up: -Infinity, down: -Infinity };
    const put = (sign: keyof typeof found, x: number, y: number) => {
      if (x - last[sign] < 4) return; // one is seen as well as several in the same place
      last[sign] = x;
      const mine = found[sign].get(colour) ?? [];
      mine.push(x, y);
      found[sign].set(colour, mine);
    };
    for (let at = first; at < stop; at += 1) {
      const low = one.low[at] as number;
      const high = one.high[at] as number;
      const bad = one.nonfinite === null ? low - low !== 0 : (one.nonfinite[at] as number) > 0;
      const out = high > ys.domain[1] || low < ys.domain[0];
      if (!bad && !out) continue;
      const x = xs.to(one.x[at] as number);
      if (high === Infinity || (out && high > ys.domain[1])) put("up", x, plot.y + 4);
      if (low === -Infinity || (out && low < ys.domain[0])) put("down", x, plot.y + plot.height - 4);
      if (bad && high !== Infinity && low !== -Infinity) put("nan", x, plot.y + plot.height - 4);
    }
  }
  return (["nan", "up", "down"] as const).flatMap((sign) =>
    [...found[sign]].map(([colour, points]): Mark => ({ kind: "signs", sign, points: Float32Array.from(points), colour })),
  );
}

/** The colour of a theme. */
export function shade(colour: Colour, dark: boolean): Ink {
  return dark ? colour.dark : colour.light;
}

/** The line of a place that is pointed at. */
export function crosshair(x: number, { plot, xs }: Frame): Mark | null {
  const at = xs.to(x);
  if (!(at >= plot.x - 1 && at <= plot.x + plot.width + 1)) return null;
  return { kind: "rules", points: Float32Array.of(crisp(at), plot.y, crisp(at), plot.y + plot.height), colour: "muted", dash: [3, 3] };
}

/** An axis of a field: of numbers, of logarithms, of times or of texts; what it cannot show has a place beside it. Pure. */

import { CHARACTER } from "../charts/marks";
import { padded, scale, type Scale } from "../charts/scale";
import { linearTicks, logTicks, timeTicks, type Tick } from "../charts/ticks";
import { extentOf, type Column } from "./values";

export interface Axis {
  readonly column: Column;
  readonly log: boolean;
  readonly scale: Scale;
  readonly ticks: readonly Tick[];
  /** The pixel of what the axis cannot show. */
  readonly none: number;
  /** The pixel of a value, or `none`. */
  to(value: number): number;
}

/** More marks than this tell nothing further, however long an axis is. */
const MOST_TICKS = 10;
const TIMES = new Set(["created_at", "started_at", "ended_at", "updated_at"]);

/**
 * An axis.
 *
 * @param range Pixels of its first and its last value.
 * @param room How many pixels a label takes along it, for numbers.
 * @param none The pixel of what it cannot show.
 */
export function axisOf(column: Column, log: boolean, range: readonly [number, number], room: number, none: number): Axis {
  const length = Math.abs(range[1] - range[0]);
  const texts = column.labels;
  const bent = log && !texts;
  const extent = texts ? ([-0.5, Math.max(0.5, texts.length - 0.5)] as const) : (extentOf(column, bent) ?? ([bent ? 0.1 : 0, 1] as const));
  const made = scale(texts ? extent : padded(extent, 0.03, bent), range, bent);
  const count = Math.min(MOST_TICKS, Math.max(2, Math.floor(length / room)));
  const ticks = texts ? textTicks(texts, length, range[0] < range[1]) : bent ? logTicks(made.domain, count) : TIMES.has(column.field) ? timeTicks(made.domain, count) : linearTicks(made.domain, count);
  return {
    column,
    log: bent,
    scale: made,
    ticks,
    none,
    to(value) {
      const pixel = value - value === 0 ? made.to(value) : Number.NaN;
      return pixel === pixel ? pixel : none;
    },
  };
}

/** A mark for each text, or for every second, fifth … where there is no room for all. Along an axis that goes across they are cut, so that they do not meet. */
function textTicks(texts: readonly string[], length: number, across: boolean): Tick[] {
  const every = Math.max(1, Math.ceil((texts.length * (across ? 40 : 20)) / Math.max(1, length)));
  const most = across ? Math.max(3, Math.min(24, Math.floor(((length / texts.length) * every - 6) / CHARACTER))) : 24;
  return texts.flatMap((label, at) => (at % every ? [] : [{ at, label: cut(label, most) }]));
}

export function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** How wide the labels of an axis are, in pixels. */
export function widthOf(ticks: readonly Tick[]): number {
  return CHARACTER * Math.max(0, ...ticks.map((one) => one.label.length));
}

/** Where the middle of a label is, so that it ends before an edge. */
export function middleOf(at: number, label: string, edge: number): number {
  return Math.min(at, edge - (CHARACTER * label.length) / 2 - 1);
}

/** Fields of very many experiments as arrays, and what of them is marked. Pure. */

import type { NumberArray } from "../columns";

/** One field of all experiments, in the order of the list. */
export interface Column {
  readonly field: string;
  /** NaN where there is none; of texts, their places in `labels`. */
  readonly values: ArrayLike<number>;
  readonly labels: readonly string[] | null;
  readonly missing: number;
  readonly nonfinite: number;
}

export interface Values {
  readonly count: number;
  readonly columns: readonly Column[];
  /** The experiments' ids, unless they are very many. */
  readonly ids: readonly string[];
}

interface Answer {
  readonly count: number;
  readonly columns: readonly { readonly field: string; readonly values: unknown; readonly labels: readonly string[] | null; readonly missing: number; readonly nonfinite: number }[];
  readonly ids?: readonly string[];
}

/** The answer of the server. */
export function valuesOf(answer: Answer): Values {
  return { count: answer.count, ids: answer.ids ?? [], columns: answer.columns.map((one) => ({ ...one, values: (one.values as NumberArray).data })) };
}

/** From where to where the values lie that an axis can show; null where there is none. */
export function extentOf(column: Column, log: boolean): readonly [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < column.values.length; at += 1) {
    const value = column.values[at] as number;
    if (!shows(value, log)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** The factor from which on a setting is seen best on a logarithmic axis: two decades. */
const DECADES = 100 * (1 - 1e-9);

/** Whether a field has a logarithmic axis before anybody has chosen: a setting above zero that spans two decades. */
export function isUsuallyLog(column: Column): boolean {
  if (column.labels || !/^(params|config)\b/.test(column.field)) return false;
  const extent = extentOf(column, false);
  return extent !== null && extent[0] > 0 && extent[1] >= extent[0] * DECADES;
}

/** The fields whose axes are logarithmic: those that somebody chose (`lr`), those that usually are, and not those that somebody had linear (`-lr`). */
export function logsOf(columns: readonly Column[], chosen: readonly string[]): readonly string[] {
  return columns.flatMap(({ field, ...rest }) => (chosen.includes(field) || (!chosen.includes(`-${field}`) && isUsuallyLog({ field, ...rest })) ? [field] : []));
}

/** Whether an axis can show a value. */
export function shows(value: number, log: boolean): boolean {
  return value - value === 0 && (!log || value > 0);
}

/** How many values an axis cannot show: missing ones, those that are not finite, and on a logarithmic one those that are not above zero. */
export function unseen(column: Column, log: boolean): { readonly missing: number; readonly nonfinite: number; readonly below: number } {
  let below = 0;
  if (log) for (let at = 0; at < column.values.length; at += 1) if ((column.values[at] as number) <= 0 && (column.values[at] as number) > -Infinity) below += 1;
  return { missing: column.missing, nonfinite: column.nonfinite, below };
}

/** The parts of fields that are marked, as the link writes them. */
export type Brush = Readonly<Record<string, string>>;

export function readBrush(text: string | undefined): readonly [number, number] | null {
  const [low, high] = (text ?? "").split("..").map(Number);
  return low !== undefined && high !== undefined && low <= high ? [low, high] : null;
}

/** Which experiments are marked, by place; null where nothing is marked. */
export function marked(values: Values, brush: Brush): Uint8Array | null {
  const parts = values.columns.flatMap((column) => {
    const range = readBrush(brush[column.field]);
    return range ? [{ column, range }] : [];
  });
  if (!parts.length) return null;
  const found = new Uint8Array(values.count).fill(1);
  for (const { column, range: [low, high] } of parts) {
    for (let at = 0; at < values.count; at += 1) {
      const value = column.values[at] as number;
      if (!(value >= low && value <= high)) found[at] = 0;
    }
  }
  return found;
}

/** The conditions that what is marked meets, to be added to the filter. */
export function conditionsOf(columns: readonly Column[], brush: Brush, literal: (value: string | number) => string): readonly string[] {
  return columns.flatMap((column) => {
    const range = readBrush(brush[column.field]);
    if (!range) return [];
    const [low, high] = range;
    if (!column.labels) return [`${column.field} >= ${low} and ${column.field} <= ${high}`];
    const labels = column.labels.slice(Math.max(0, Math.ceil(low)), Math.floor(high) + 1);
    return labels.length === 1 ? [`${column.field} == ${literal(labels[0] as string)}`] : [`${column.field} in (${labels.map(literal).join(", ")})`];
  });
}

/** The values of a column that occur, with how often: at most so many, else null. */
export function distinct(column: Column, most: number): ReadonlyMap<number, number> | null {
  const found = new Map<number, number>();
  for (let at = 0; at < column.values.length; at += 1) {
    const value = column.values[at] as number;
    if (value !== value) continue;
    found.set(value, (found.get(value) ?? 0) + 1);
    if (found.size > most) return null;
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

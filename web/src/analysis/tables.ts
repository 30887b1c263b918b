/** Which table is held against which, and how its rows are ordered, as the link says it. Pure. */

import { short } from "../numbers";
import { asText, type Plain } from "../text/plain";

/** A cell as it is read: nothing for what is missing, and of a fraction the digits that tell. */
export function shownCell(value: Plain): string {
  if (value === null) return "";
  return typeof value === "number" && !Number.isInteger(value) ? short(value) : asText(value);
}

/** What a cell was and is, with as many digits as tell them apart. */
export function shownChange(was: Plain, now: Plain): readonly [string, string] {
  const brief = [shownCell(was), shownCell(now)] as const;
  const whole = (value: Plain) => (value === null ? "" : asText(value));
  return brief[0] === brief[1] ? [whole(was), whole(now)] : brief;
}

/** A table that another one is held against: by its step, and of which experiment unless it is the same. */
export interface Against {
  readonly step: number | null;
  readonly id: string;
}

/** `step`, `step@experiment` or `@experiment`; null for none. */
export function readAgainst(text: string): Against | null {
  const found = /^(-?\d*)(?:@(.+))?$/.exec(text);
  if (text === "" || !found) return null;
  return { step: found[1] ? Number(found[1]) : null, id: found[2] ?? "" };
}

export function writeAgainst(against: Against | null): string {
  if (!against) return "";
  return `${against.step ?? ""}${against.id ? `@${against.id}` : ""}`;
}

/** The order once more a column was asked for: up, down, and as the rows lie. */
export function ordered(order: readonly string[], column: string): readonly string[] {
  if (order[0] === column) return [`-${column}`];
  return order[0] === `-${column}` ? [] : [column];
}

/** Which way a column is ordered. */
export function orderOf(order: readonly string[], column: string): "ascending" | "descending" | "none" {
  return order[0] === column ? "ascending" : order[0] === `-${column}` ? "descending" : "none";
}

export const SIGNS = { added: "+", removed: "−", changed: "~", same: "" } as const;

/** One cell of a difference: what it is, and what it was where that is something else. */
export interface Cell<T> {
  readonly now: T;
  readonly was: T | undefined;
}

/** The cells of a row of a difference under all columns that one of the tables has. */
export function cellsOf<T>(
  row: { readonly a: readonly T[] | null; readonly b: readonly T[] | null; readonly changed: readonly string[] },
  columns: readonly string[],
  placesA: ReadonlyMap<string, number>,
  placesB: ReadonlyMap<string, number>,
): readonly (Cell<T> | null)[] {
  return columns.map((name) => {
    const [a, b] = [placesA.get(name), placesB.get(name)];
    const was = row.a && a !== undefined ? row.a[a] : undefined;
    const now = row.b && b !== undefined ? row.b[b] : undefined;
    if (now === undefined) return was === undefined ? null : { now: was, was: undefined };
    return { now, was: row.changed.includes(name) ? was : undefined };
  });
}

/** The place of the last table by a step; the newest where no step is meant. */
export function placeOf(steps: readonly (number | null)[], step: number | null): number {
  if (step === null) return steps.length - 1;
  return Math.max(0, steps.findLastIndex((one) => one === null || one <= step));
}

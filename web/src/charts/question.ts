/** What a panel asks the server. Pure. */

import type { LinkState } from "../state";
import { quantilesOf } from "./curves";
import type { XKind } from "./frame";
import type { Range } from "./scale";

/** The fields of the link that a panel's question depends on. */
export type ChartState = Pick<
  LinkState,
  "x" | "xLog" | "yLog" | "smooth" | "band" | "centre" | "attempts" | "robust" | "group" | "dash" | "facet" | "range"
>;

/** Which experiments are asked for. */
export type Which =
  | { readonly ids: readonly string[] }
  | { readonly filter: string; readonly sort: readonly string[]; readonly limit: number | null };

/** What is asked of experiments that are more than can be told apart. */
export interface Cells {
  readonly rows: number;
  readonly y: Range | null;
  /** Which last values are better. */
  readonly better: "min" | "max" | null;
}

/** Experiments whose lines are asked for at most. */
export const MOST = 2000;
/** Experiments whose lines are counted in cells unless all are asked for: of these the answer comes in seconds. */
export const AT_MOST = 10_000;

/** Of how many experiments a panel is made; null for all. A statistic of groups is always of all their members. */
export function limitOf(state: Pick<LinkState, "group" | "dash" | "facet" | "every">, crowded: boolean): number | null {
  if (groupFields(state).length) return null;
  if (!crowded) return MOST;
  return state.every ? null : AT_MOST;
}

/** Buckets of all series together that a server answers. */
const MOST_CELLS = 9_900_000;

/** Up to so many points of a panel are drawn as they are, however few pixels there are. */
const FEW = 20_000;
/** Part of the values that a robust range leaves out at each end. */
const ROBUST = [0.01, 0.99] as const;

/** What runs along x: a name that is none of the others is that of a metric. */
export function xKindOf(x: string): XKind {
  return x === "step" || x === "time" || x === "relative" ? x : "metric";
}

/** All fields that make groups: of colours, dashes and panels. */
export function groupFields(state: Pick<ChartState, "group" | "dash" | "facet">): string[] {
  return [...new Set([...state.group, ...(state.dash ? [state.dash] : []), ...(state.facet ? [state.facet] : [])])];
}

/** The last part of a field: `lr` of `params.lr`. */
export function shortName(field: string): string {
  return /[^.]+$/.exec(field.replace(/["`[\]]/g, ""))?.[0] ?? field;
}

/** What a group is called: the last parts of its fields' names with its values. */
export function labelOf(values: readonly (string | number | boolean | null)[], fields: readonly string[]): string {
  return fields.map((field, at) => `${shortName(field)} ${values[at] ?? "none"}`).join(" · ");
}

/** The body of a question for a panel. */
export function question(
  metrics: readonly string[],
  which: Which,
  experiments: number,
  width: number,
  state: ChartState,
  zoom: Range | null,
  origin: bigint | null,
  cells: Cells | null = null,
) {
  const kind = xKindOf(state.x);
  const group = groupFields(state);
  const fitting = group.length ? Math.floor(MOST_CELLS / Math.max(1, experiments)) : Infinity;
  const buckets = Math.max(1, Math.min(2000, fitting, Math.max(50, Math.round(width))));
  const exact = Math.min(5_000_000, Math.max(FEW, 3 * buckets * Math.max(1, experiments)));
  return {
    ...which,
    metrics: [...metrics],
    x: kind,
    x_metric: kind === "metric" ? state.x : null,
    spacing: state.xLog ? "log" : "linear",
    start: zoom?.[0] ?? null,
    stop: zoom?.[1] ?? null,
    origin: origin === null ? null : String(origin),
    buckets,
    points: group.length || cells ? 0 : exact,
    columns: group.length || cells ? [] : ["low", "high", "last", "nonfinite"],
    smooth: state.smooth,
    attempts: state.attempts && !group.length && !cells,
    group,
    quantiles: group.length ? [...quantilesOf(state.band, state.centre)] : [],
    robust: state.robust ? [...ROBUST] : null,
    density: cells && {
      rows: cells.rows,
      spacing: state.yLog ? "log" : "linear",
      low: cells.y?.[0] ?? null,
      high: cells.y?.[1] ?? null,
      better: cells.better,
    },
  } as const;
}

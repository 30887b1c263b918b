/** A stretch of a curve whose machine is looked at, as the link says it. Pure. */

import type { XKind } from "./frame";
import type { Range } from "./scale";

export interface Stretch {
  readonly x: "step" | "relative" | "time";
  /** As they were recorded: whole steps, or seconds. */
  readonly start: number;
  readonly stop: number;
  readonly metric: string;
}

/** `step:100..150:train/throughput`; null for what is none. */
export function readStretch(text: string): Stretch | null {
  const found = /^(step|relative|time):(-?[\d.e+-]+?)\.\.(-?[\d.e+-]+):(.+)$/.exec(text);
  if (!found) return null;
  const [start, stop] = [Number(found[2]), Number(found[3])];
  if (!(start <= stop)) return null;
  return { x: found[1] as Stretch["x"], start, stop, metric: found[4] as string };
}

export function writeStretch(one: Stretch): string {
  return `${one.x}:${one.start}..${one.stop}:${one.metric}`;
}

/** The stretch that a part of an x axis shows; of a point, that point alone. Null where the axis is of another metric. */
export function stretchOf(metric: string, kind: XKind, [from, to]: Range, origin: bigint): Stretch | null {
  if (kind === "metric") return null;
  if (kind !== "step") return { x: kind, start: from, stop: to, metric };
  return { x: "step", start: Number(origin) + Math.ceil(from), stop: Number(origin) + Math.floor(to), metric };
}

/** The part of the time since the start that shows stretches of several experiments, with as much before and after. */
export function around(stretches: readonly { readonly began: number; readonly begin: number | null; readonly end: number | null }[]): Range | null {
  let [low, high] = [Infinity, -Infinity];
  for (const { began, begin, end } of stretches) {
    if (begin === null || end === null) continue;
    low = Math.min(low, begin - began);
    high = Math.max(high, end - began);
  }
  if (!(low <= high)) return null;
  const by = Math.max(1, high - low);
  return [Math.max(0, low - by), high + by];
}

/** Names as a search that finds these and no others. */
export function searchOf(names: readonly string[]): string {
  return names.length ? `/^(${names.map((one) => one.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|")})$/` : "";
}

/** A share as people write it: never 0 % of what was not none, nor 100 % of what was not all. */
export function percent(share: number | null): string {
  if (share === null) return "–";
  if (share > 0 && share < 0.005) return "< 1 %";
  if (share < 1 && share > 0.995) return "> 99 %";
  return `${Math.round(100 * share)} %`;
}

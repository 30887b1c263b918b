/** What experiments have logged beside metrics: the names and values of each, asked for once and again when it changes. */

import { get, type Schemas } from "../api";

export type Series = Schemas["MediaSeries"];
const MOST = 60; // names whose values are asked for

/** The values of an experiment: of those with several under one name, all of them for the first names. */
export async function mediaOf(id: string): Promise<readonly Series[]> {
  const path = { ref: id } as never;
  const found = await get("/api/v1/experiments/{ref}/media", {}, { path });
  const several = found.filter((one) => one.count > 1).map((one) => one.name).slice(0, MOST);
  const whole = several.length ? await get("/api/v1/experiments/{ref}/media", { name: several } as never, { path }) : [];
  const all = new Map(whole.map((one) => [keyOf(one), one]));
  return found.map((one) => all.get(keyOf(one)) ?? one);
}

export function keyOf(one: Series): string {
  return `${one.kind} ${one.name}`;
}

const KINDS = ["image", "figure", "video", "audio", "histogram", "table", "text"];

/** Pictures first, and what has no look of its own last. */
export function byKind(one: Series, other: Series): number {
  return KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind);
}

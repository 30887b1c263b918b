/** What experiments have logged beside metrics, as the server tells it. Pure, but for what asks for it. */

import { address, get, type Schemas } from "../api";

export type Series = Schemas["MediaSeries"];

/** One value of a series: whose it is, and which. */
export interface Held {
  readonly id: string;
  readonly series: Series;
  readonly at: number;
  /** What tells it from the one that it is held against. */
  readonly said: string;
}

export function keyOf(one: Series): string {
  return `${one.kind} ${one.name}`;
}

const KINDS = ["image", "figure", "video", "audio", "histogram", "table", "text"];

/** Pictures first, and what has no look of its own last. */
export function byKind(one: Series, other: Series): number {
  return KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind);
}

/** The URL of the small picture of an image. */
export function thumbnailUrl(id: string, path: string): string {
  return address("/api/v1/experiments/{ref}/thumbnail/{name}", { ref: id, name: path });
}

const natural = new Intl.Collator("en", { numeric: true }).compare;

/** The same, and by name. */
export function ranked(one: Series, other: Series): number {
  const rank = (kind: string) => (KINDS.indexOf(kind) + KINDS.length + 1) % (KINDS.length + 1);
  return rank(one.kind) - rank(other.kind) || natural(one.name, other.name);
}

export interface Whole {
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const MOST = 300;
const kept = new Map<string, Promise<Whole>>();

/** All that is known of one value, of which an answer about very many had no room for. */
export function wholeOf(id: string, series: Series, at: number): Promise<Whole> {
  const time = series.times[at] as number;
  const key = `${id} ${time} ${keyOf(series)}`;
  const known = kept.get(key);
  if (known) return known;
  const asked = get("/api/v1/experiments/{ref}/media", { name: [series.name], time } as never, { path: { ref: id } as never }).then((found) => {
    const one = found.find((other) => other.kind === series.kind);
    const which = Math.max(0, one?.paths.indexOf(series.paths[at] ?? null) ?? 0);
    return { data: one?.data[which], metadata: (one?.metadata[which] ?? {}) as Readonly<Record<string, unknown>> };
  });
  asked.catch(() => kept.delete(key));
  kept.set(key, asked);
  if (kept.size > MOST) kept.delete(kept.keys().next().value as string);
  return asked;
}

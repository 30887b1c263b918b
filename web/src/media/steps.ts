/** Values of several series on one slider. Its places are steps, times or the values of a metric: whatever was asked for. Pure. */

import type { Schemas } from "../api";

type Series = Pick<Schemas["MediaSeries"], "steps" | "x">;
export type Place = number | bigint;

/** Where each value of a series stands on the slider, in order; null for what has no place, which comes first. */
export function along(series: Series): readonly (Place | null)[] {
  return series.x ?? series.steps;
}

/** Every place that any of them has, in order. */
export function placesOf(series: readonly Series[]): readonly Place[] {
  const every = new Set<Place>();
  for (const one of series) {
    for (const place of along(one)) if (place !== null) every.add(place);
  }
  return [...every].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Which value of a series is shown at a place: the last one that was logged by then, else its first. */
export function nearestAt(series: Series, place: Place | null): number {
  const places = along(series);
  if (place === null) return places.length - 1;
  return Math.max(0, after(places, place) - 1);
}

/** All values of a series that stand where one of them does, as several images of one step do: the first, and the one after the last. */
export function besides(series: Series, at: number): readonly [number, number] {
  const places = along(series);
  const place = places[at];
  if (place === null || place === undefined) return [at, at + 1];
  let first = at;
  while (first > 0 && places[first - 1] === place) first -= 1;
  return [first, after(places, place)];
}

/** The last place of a slider that is not beyond another one; its end where there is none. */
export function placeAt(places: readonly Place[], wanted: Place | null): number {
  return wanted === null ? places.length - 1 : Math.max(0, after(places, wanted) - 1);
}

/** How many places are not beyond one. */
function after(places: readonly (Place | null)[], wanted: Place): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = places[middle];
    if (there === null || there === undefined || there <= wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A place as the link has it; null for none. */
export function readPlace(text: string): Place | null {
  if (/^-?\d{16,}$/.test(text)) return BigInt(text);
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : null;
}

/** Whether a logged value is a picture that browsers show. */
export function isPicture(path: string): boolean {
  return /\.(png|jpe?g|gif|webp)$/i.test(path);
}

/** Whether a series is of videos that the page plays. */
export function isVideo(series: Pick<Schemas["MediaSeries"], "kind" | "paths">): boolean {
  return series.kind === "video" && series.paths.some((path) => path !== null && /\.(webp|gif|png|mp4|webm)$/i.test(path));
}

/** The heights of a histogram's bars from 0 to 1, and its edges; null for what is none. */
export function barsOf(data: unknown): { heights: number[]; low: number; high: number; total: number } | null {
  const { counts, edges } = (data ?? {}) as { counts?: unknown; edges?: unknown };
  if (!Array.isArray(counts) || !Array.isArray(edges) || counts.length < 1 || edges.length !== counts.length + 1) return null;
  if (![...counts, ...edges].every((one) => typeof one === "number" && Number.isFinite(one))) return null;
  const most = Math.max(...counts, 1e-300);
  return {
    heights: counts.map((one) => Math.max(0, one / most)),
    low: edges[0],
    high: edges.at(-1) as number,
    total: counts.reduce((sum, one) => sum + one, 0),
  };
}

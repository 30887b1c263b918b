/** Steps of several series of values on one slider. Pure. */

import type { Schemas } from "../api";

type Series = Pick<Schemas["MediaSeries"], "steps">;
type Step = number | bigint;

/** Every step that any of them has, in order. */
export function stepsOf(series: readonly Series[]): readonly Step[] {
  const every = new Set<Step>();
  for (const one of series) {
    for (const step of one.steps) if (step !== null) every.add(step);
  }
  return [...every].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Which value of a series is shown at a step: the last one that was logged by then, else its first. */
export function nearestAt(series: Series, step: Step | null): number {
  if (step === null) return series.steps.length - 1;
  let low = 0;
  let high = series.steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = series.steps[middle];
    if (there === null || there === undefined || there <= step) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** Whether a logged value is a picture that browsers show. */
export function isPicture(path: string): boolean {
  return /\.(png|jpe?g|gif|webp)$/i.test(path);
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

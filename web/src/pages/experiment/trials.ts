/** What a sweep was declared to be, and how its trials ended. Pure. */

/** What a sweep was declared to be, as far as this page tells it. */
export interface Declared {
  readonly method: string;
  readonly metric: string;
  readonly better: "min" | "max";
  readonly cap: number | null;
  readonly stopping: string;
}

function textOf(given: unknown): string {
  return typeof given === "string" ? given : "";
}

function partOf(given: unknown): Record<string, unknown> {
  return typeof given === "object" && given !== null && !Array.isArray(given) ? (given as Record<string, unknown>) : {};
}

/** What was captured of a sweep; null where that is none. */
export function declared(captured: unknown): Declared | null {
  const config = partOf(captured);
  const method = textOf(config.method);
  if (method === "") return null;
  const metric = partOf(config.metric);
  return {
    method,
    metric: textOf(metric.name),
    better: textOf(metric.goal).startsWith("max") ? "max" : "min",
    cap: typeof config.run_cap === "number" ? config.run_cap : null,
    stopping: textOf(partOf(config.early_terminate).type),
  };
}

/** How many trials ended in which way, most first: of those that were cancelled, so many were stopped early by themselves. */
export function endings(statuses: readonly (readonly [string, number])[], early: number): ReadonlyMap<string, number> {
  const apart = statuses.flatMap(([status, count]): [string, number][] => (status === "cancelled" ? [["stopped early", early], [status, count - early]] : [[status, count]]));
  return new Map(apart.filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a));
}

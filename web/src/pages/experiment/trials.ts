/** What a sweep was declared to be, and how its trials ended. Pure. */

import type { Row } from "../../experiments.svelte";

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

/** How many trials ended in which way, those that were stopped early by themselves. */
export function endings(rows: readonly Row[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { cells } of rows) {
    const status = String(cells.get("status") ?? "");
    const how = status === "cancelled" && cells.get("reason") === "stopped early" ? "stopped early" : status;
    found.set(how, (found.get(how) ?? 0) + 1);
  }
  return new Map([...found].sort(([, a], [, b]) => b - a));
}

/** A metric in words. Pure. */

import type { Schemas } from "../../api";
import { numeric, short, spaced, type Value } from "../../numbers";

/** Between what a metric was, and what it was last. */
export function wordsOf(one: Schemas["MetricSummary"] | undefined): string {
  if (one === undefined) return "";
  const read = (value: unknown) => short(numeric(value as Value));
  const range = one.min === null || one.max === null ? "" : `${read(one.min)} to ${read(one.max)}, `;
  return `${range}last ${read(one.last)} at step ${spaced(one.last_step)}`;
}

/** Which curves stand out where there are too many to tell apart: those that end best. Pure. */

import type { PanelData } from "./curves";

const MANY = 10;

interface Metrics {
  readonly fields: readonly { section: string; name: string; better?: "min" | "max" | null }[];
}

/** The ids of the best ten by their last value; none where it is not known which values are better. */
export function outstanding(data: PanelData, metric: string, telling: Metrics | null): ReadonlySet<string> {
  const better = telling?.fields.find((one) => one.section === "metrics" && one.name === metric)?.better;
  if (!better) return new Set();
  const last = data.curves.map((one) => {
    let at = one.line.length - 1;
    while (at >= 0 && !Number.isFinite(one.line[at])) at -= 1;
    return { id: one.id, value: one.line[at] ?? Number.NaN };
  });
  const sign = better === "min" ? 1 : -1;
  const known = last.filter((one) => Number.isFinite(one.value)).sort((a, b) => sign * (a.value - b.value));
  return new Set(known.slice(0, MANY).map((one) => one.id));
}

/** What a plot shows and what it leaves out, in words. Pure. */

import { plural, spaced } from "../numbers";
import { unseen, type Values } from "./values";

/** The line below a plot: how many experiments, and of each field what its axis cannot show. */
export function saidOf(values: Values, fields: readonly string[], logs: readonly string[], title: (field: string) => string, few: number, chosen: Uint8Array | null): readonly string[] {
  const said = [plural(values.count, "experiment"), values.count > few ? "density of all" : "each drawn"];
  if (chosen) said.push(`${spaced(chosen.reduce((sum, one) => sum + one, 0))} marked`);
  for (const field of fields) {
    const column = values.columns.find((one) => one.field === field);
    if (!column) continue;
    const { missing, nonfinite, below } = unseen(column, logs.includes(field) && !column.labels);
    const parts = [missing ? `${spaced(missing)} without` : "", nonfinite ? `${spaced(nonfinite)} not finite` : "", below ? `${spaced(below)} ≤ 0` : ""].filter((one) => one !== "");
    if (parts.length) said.push(`${title(field)}: ${parts.join(", ")}, beside the axis`);
  }
  return said;
}

/** A probability as it is written: no smaller than can be told. */
export function chance(p: number): string {
  return p < 0.0001 ? "< 0.0001" : p < 0.01 ? p.toFixed(4) : p.toFixed(3);
}

/** A share as a number of hundredths; what is rounded to nothing has no sign. */
export function hundredths(share: number, digits: number): string {
  const text = (100 * share).toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** What a chart shows as CSV: every number that a mark was drawn from. Pure. */

import { inside, type PanelData } from "./curves";
import type { XKind } from "./frame";
import type { Range } from "./scale";

/**
 * The text of a CSV file with a row for each place of each curve within a range.
 *
 * @param along What the column of places is called: where a metric runs along x, its name.
 */
export function writeCsv(data: PanelData, within: Range | null, xKind: XKind, name: (id: string) => string, value = "value", along: string = xKind): string {
  const range = within ?? data.range ?? [0, 0];
  const place = (x: number) => (xKind === "step" && Number.isInteger(x) ? String(data.origin + BigInt(x)) : String(x));
  const rows: string[][] = [];
  if (data.groups.length) {
    rows.push(["group", along, "middle", "low", "high", "members"]);
    for (const one of data.groups) {
      const [first, stop] = inside(one.x, range);
      const values = one.values.map((value) => value ?? "").join(" ");
      for (let at = first; at < stop; at += 1) {
        if (one.count[at]) rows.push([values, place(num(one.x[at])), ...[one.middle, one.low, one.high, one.count].map((of) => text(of[at]))]);
      }
    }
  } else if (data.density) {
    rows.push([`${along} from`, "to", "value from", "to", "experiments"]);
    const { x, y, xLog, yLog, columns, rows: high, counts } = data.density;
    const across = cut(x, columns, xLog);
    const down = cut([y[1], y[0]], high, yLog);
    for (let at = 0; at < counts.length; at += 1) {
      const [column, row] = [at % columns, Math.floor(at / columns)];
      if (counts[at]) rows.push([across(column), across(column + 1), down(row + 1), down(row), num(counts[at])].map(String));
    }
  } else {
    const exact = data.exact;
    const attempts = data.curves.some((one) => one.attempt !== null);
    rows.push(["experiment", "name", ...(attempts ? ["attempt"] : []), "metric", along, ...(exact ? [value] : ["low", "high", value === "value" ? "last" : value])]);
    for (const one of data.curves) {
      const [first, stop] = inside(one.x, range);
      for (let at = first; at < stop; at += 1) {
        const values = exact ? [one.line] : [one.low, one.high, one.line];
        if (!exact && Number.isNaN(one.low[at]) && !one.nonfinite?.[at]) continue;
        rows.push([one.id, name(one.id), ...(attempts ? [String((one.attempt ?? 0) + 1)] : []), one.metric, place(num(one.x[at])), ...values.map((of) => text(of[at]))]);
      }
    }
  }
  return rows.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
}

/** Where the parts of a range begin. */
function cut([first, last]: Range, parts: number, log: boolean): (at: number) => number {
  return (at) => (log ? first * (last / first) ** (at / parts) : first + ((last - first) * at) / parts);
}

function num(value: number | undefined): number {
  return value ?? Number.NaN;
}

function text(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return String(value);
}

/** As RFC 4180 has it. What a spreadsheet would take for a formula is made text. */
function quoted(value: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.]|inf)/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The columns of a table of experiments: which are shown first, what they are called, how their values read. Pure. */

import type { Schemas } from "../api";
import { ago, duration, moment, numeric, short, shown, size, spaced, type Value } from "../numbers";

/** A tag without a value is null in an answer. */
export type Cell = Value | Readonly<Record<string, string | null>> | readonly Value[];

export interface Title {
  /** What the column is of. */
  readonly text: string;
  /** Which of several values of it, such as "max"; "" where there is one. */
  readonly detail: string;
}

export interface Text {
  readonly text: string;
  /** The whole value, for who points at it or copies it. */
  readonly whole: string;
}

const TITLES: Record<string, string> = {
  created_at: "created",
  started_at: "started",
  ended_at: "ended",
  updated_at: "updated",
  duration: "took",
  "git.commit": "commit",
  "git.branch": "branch",
  "git.dirty": "changed files",
  metric_count: "metrics",
  point_count: "points",
  file_count: "files",
  file_bytes: "file bytes",
  value_count: "values",
};
const TIMES = new Set(["created_at", "started_at", "ended_at", "updated_at"]);
const STATISTICS = new Set(["last", "first", "min", "max", "mean", "std", "count", "step", "min_step", "max_step", "nonfinite"]);
const STEPS = new Set(["step", "min_step", "max_step", "count", "nonfinite"]);
const MOST_SETTINGS = 8;

/** Every fact of an experiment that is not a parameter, a tag or a metric. */
export const FACTS = [
  "name", "status", "reason", "duration", "created_at", "started_at", "ended_at", "updated_at", "user", "host",
  "prefix", "id", "project", "owner", "description", "notes", "tags", "parent", "relation", "git.commit", "git.branch", "git.dirty",
  "metric_count", "point_count", "file_count", "file_bytes", "value_count", "lost",
] as const;

/** A field without the statistic at its end, and that statistic. */
export function partsOf(field: string): { readonly stem: string; readonly statistic: string } {
  const at = field.lastIndexOf(".");
  const tail = field.slice(at + 1);
  if (!field.startsWith("metrics") || at < 0 || !STATISTICS.has(tail) || field === `metrics.${tail}`) {
    return { stem: field, statistic: "" };
  }
  return { stem: field.slice(0, at), statistic: tail };
}

/** A field's name without its section: `lr` of `params.lr`. */
export function nameOf(field: string): string {
  const plain = /^(?:params|config|metrics|tags)\.(.+)$/s.exec(field);
  if (plain) return plain[1] ?? field;
  const quoted = /^(?:params|config|metrics|tags)\[(["'])(.*)\1\]$/s.exec(field);
  return quoted ? (quoted[2] ?? field).replace(/\\(.)/g, "$1") : field;
}

export function titleOf(field: string): Title {
  if (field.startsWith(CURVE)) return { text: nameOf(field.slice(1)), detail: "curve" };
  const { stem, statistic } = partsOf(field);
  return { text: TITLES[field] ?? nameOf(stem), detail: statistic.replace("_", " at ").replace(/^(min|max) at step$/, "at $1") };
}

/** The field of the best value of a metric, and of the step where it was. */
export function bestOf(metric: Schemas["FieldFact"]): { readonly value: string; readonly step: string } {
  const better = metric.better === "max" ? "max" : metric.better === "min" ? "min" : "last";
  return { value: `${metric.field}.${better}`, step: `${metric.field}.${better === "last" ? "step" : `${better}_step`}` };
}

/** A column of small curves of a metric is written as `~` before its field. */
export const CURVE = "~";

/** Whether the experiments have different values of a field, or some of them none. */
export function differs(one: Schemas["FieldFact"], experiments: number): boolean {
  return one.values > 1 || (one.values === 1 && one.experiments < experiments);
}

/** The columns that tell most: name, status, the best of the headline metric, what differs, when it ran. */
export function usualColumns(telling: Schemas["Telling"] | null): readonly string[] {
  if (telling === null) return ["name", "status", "duration", "created_at"];
  const metric = telling.fields.find((one) => one.section === "metrics" && one.name === telling.headline);
  const best = metric === undefined ? null : bestOf(metric);
  const settings = telling.fields
    .filter((one) => one.section === "params" || one.section === "config")
    .filter((one) => (telling.experiments < 2 ? true : differs(one, telling.experiments)))
    .slice(0, MOST_SETTINGS)
    .map((one) => one.field);
  const tagged = telling.fields.some((one) => one.section === "tags" && (telling.experiments < 2 || differs(one, telling.experiments)));
  return [
    "name",
    "status",
    ...(best === null || metric === undefined ? [] : [best.value, best.step, CURVE + metric.field]),
    ...settings,
    "duration",
    "created_at",
    ...(tagged ? ["tags"] : []),
  ];
}

/** Fields that have one value in all experiments, as "opt adam". */
export function sameInAll(telling: Schemas["Telling"] | null): readonly string[] {
  if (telling === null || telling.experiments < 2) return [];
  return telling.fields
    .filter((one) => one.section !== "metrics" && one.values === 1 && one.experiments === telling.experiments)
    .map((one) => (one.only === true && one.section === "tags" ? one.name : `${one.name} ${shown(one.only as Value)}`));
}

/** Whether a column's values stand at the right, as numbers do. */
export function isNumeric(field: string, kind: Schemas["Column"]["kind"] | undefined, values: readonly Cell[] = []): boolean {
  if (TIMES.has(field) || field === "duration") return true;
  if (kind === "number" || kind === "integer") return true;
  if (kind !== "any") return false;
  const given = values.filter((one) => one !== null && one !== undefined);
  return given.length > 0 && given.every((one) => typeof one === "number" || typeof one === "bigint");
}

/** Whether values stand with their points below each other; times and their lengths have units instead. */
export function hasPoint(field: string): boolean {
  return !TIMES.has(field) && field !== "duration" && field !== "file_bytes";
}

/** A value as a cell shows it. */
export function textOf(field: string, value: Cell, now: number): Text {
  if (value === null || value === undefined) return { text: "", whole: "" };
  if (field === "tags" && typeof value === "object") {
    const text = Object.entries(value).map(([name, one]) => (one === null ? name : `${name}=${one}`)).join("  ");
    return { text, whole: text };
  }
  if (typeof value === "object") {
    const text = JSON.stringify(value);
    return { text, whole: text };
  }
  if (TIMES.has(field) && typeof value === "number") return { text: ago(value, now), whole: moment(value) };
  if (field === "duration" && typeof value === "number") return { text: duration(value), whole: `${value} s` };
  if (field === "file_bytes" && typeof value === "number") return { text: size(value), whole: `${spaced(value)} bytes` };
  if (field === "git.commit" && typeof value === "string") return { text: value.slice(0, 8), whole: value };
  if (field.startsWith("metrics")) {
    const number = numeric(value);
    if (number === null) return { text: shown(value), whole: shown(value) };
    const text = STEPS.has(partsOf(field).statistic) ? spaced(number) : short(number);
    return { text, whole: String(number) };
  }
  if (typeof value === "number" && /_count$|^lost$/.test(field)) return { text: spaced(value), whole: String(value) };
  // A rate that a search has drawn has sixteen digits, of which four tell it from the others.
  if (typeof value !== "number" || Number.isInteger(value)) return { text: shown(value), whole: String(value) };
  const text = String(Number(value.toPrecision(4)));
  // One below a thousandth is cut off in a column unless it is written with its power.
  return { text: text.length > 7 && Math.abs(value) < 1e-3 ? Number(value.toPrecision(3)).toExponential() : text, whole: String(value) };
}

/** The usual width of a column in pixels; a setting that is a text has room for it. */
export function usualWidth(field: string, length = 0): number {
  if (field === "name") return 240;
  if (field === "tags" || field === "reason" || field === "description" || field === "notes" || field === "prefix") return 200;
  if (field === "status") return 112;
  if (TIMES.has(field) || field === "duration") return 100;
  if (field.startsWith(CURVE)) return Math.min(180, Math.max(104, 72 + 7.5 * nameOf(field.slice(1)).length));
  const { text, detail } = titleOf(field);
  return Math.min(180, Math.max(80, 36 + 7.5 * (text.length + (detail ? detail.length + 1 : 0)), 28 + 7.5 * length));
}

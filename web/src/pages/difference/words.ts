/** The difference of experiments in words. Pure. */

import type { Schemas } from "../../api";
import { short, shown, spaced } from "../../numbers";
import { asText, type Plain } from "../../text/plain";

type Row = Schemas["DifferenceRow"];
type Part = Schemas["CurvePart"];

/** Kinds of rows in the order of how much they could explain, each with the title of its section. */
export const KINDS: readonly (readonly [title: string, ...kinds: string[]])[] = [
  ["Code", "code", "command"],
  ["Data", "data"],
  ["Configuration", "config", "params"],
  ["Packages", "package", "python"],
  ["Seeds", "seed", "random state"],
  ["Environment", "variable"],
  ["Hardware", "hardware"],
  ["Files", "file"],
];

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** The rows by section; one with a kind that nobody knows comes at the end. */
export function sectionsOf(rows: readonly Row[]): Section[] {
  const known = new Set(KINDS.flatMap(([, ...kinds]) => kinds));
  const others = rows.filter((row) => !known.has(row.kind));
  return [
    ...KINDS.map(([title, ...kinds]) => ({ title, rows: rows.filter((row) => kinds.includes(row.kind)) })),
    { title: "Other", rows: others },
  ].filter((section) => section.rows.length > 0);
}

/** What two experiments have in common up to where, and what differs most tellingly: one line. */
export function summaryOf(rows: readonly Row[], parts: readonly Part[] | null, count: number): string {
  const first = parts === null ? "" : sameUntil(parts, count);
  const told = rows.filter((row) => row.kind !== "file" && row.kind !== "random state").slice(0, 4);
  const names = told.map((row) => (count === 2 ? changeOf(row) : shortName(row)));
  const more = rows.length - told.length;
  const rest = names.length === 0 ? (rows.length ? `${rows.length} files differ.` : "Nothing that was captured differs.")
    : `Differs: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
  return [first, rest].filter(Boolean).join(" ");
}

function sameUntil(parts: readonly Part[], count: number): string {
  const shared = parts.filter((part) => part.kind !== "missing");
  if (shared.length === 0) return parts.length ? "They have no metric in common." : "They have no metrics.";
  const parted = shared.filter((part) => part.step !== null && part.step !== undefined);
  const metrics = `${shared.length} metric${shared.length === 1 ? "" : "s"}`;
  if (parted.length === 0) return `The same in all points of ${shared.length === 1 ? shared[0]?.metric : `all ${metrics}`}.`;
  const earliest = parted.reduce((a, b) => ((b.step ?? 0) < (a.step ?? 0) ? b : a));
  const step = earliest.step ?? 0;
  const begins = parted.some((part) => part.step === earliest.step && atFirst(part));
  if (begins) return `They differ from the first step on (${earliest.metric} at step ${spaced(step)}).`;
  return `${count > 2 ? "All the same" : "Same"} until step ${spaced(step)}, where ${earliest.metric} parts.`;
}

function atFirst(part: Part): boolean {
  return Number(part.step ?? 0) === 0;
}

/** One row as `lr 0.001 → 0.003`. */
export function changeOf(row: Row): string {
  if (row.kind === "code") return row.what === "commit" ? `commit ${valueOf(row, 0)} → ${valueOf(row, 1)}` : row.what;
  if (row.kind === "command") return "command";
  if (row.kind === "data") return `data ${row.what}`;
  return `${shortName(row)} ${valueOf(row, 0)} → ${valueOf(row, 1)}`;
}

function shortName(row: Row): string {
  if (row.kind === "command") return "command";
  return row.kind === "config" || row.kind === "params" ? (row.what.split(".").at(-1) ?? row.what) : row.what;
}

/** What a row is called. */
export function nameOf(row: Row): string {
  return row.kind === "command" ? "command" : row.what;
}

/** The value of one experiment, cut to what fits a cell. */
export function valueOf(row: Row, at: number): string {
  const value = row.values[at] as Plain;
  if (value === null || value === undefined) return "none";
  if (row.what === "commit" || row.kind === "data" || row.kind === "file") return String(value).replace(/^blake3:/, "").slice(0, 10);
  if (row.kind === "command" && Array.isArray(value)) return ownWords(row, value.map(String));
  if (typeof value === "number") return row.kind === "config" || row.kind === "params" ? shown(value) : short(value) || asText(value);
  return asText(value);
}

/** The words of a command from the first one on that is not the same in all. */
function ownWords(row: Row, words: readonly string[]): string {
  const every = row.values.filter(Array.isArray) as string[][];
  let same = 0;
  while (same < words.length - 1 && every.every((one) => one[same] === words[same])) same += 1;
  return (same > 1 ? "… " : words.slice(0, same).join(" ") + (same ? " " : "")) + words.slice(same).join(" ");
}

/** Whether a value is the part of a patch. */
export function isPatch(value: unknown): value is string {
  return typeof value === "string" && value.startsWith("diff --git ");
}

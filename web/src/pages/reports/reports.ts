/** What the page of reports asks and writes. */

import { get, post, type Schemas } from "../../api";
import type { LinkState } from "../../state";
import { changeOf } from "../../views/saved";

export type Report = Schemas["Report"];
export type ReportFact = Schemas["ReportFact"];
export type Piece = Schemas["Piece"];
export type Block = Schemas["Block"];
type Edit = NonNullable<Parameters<typeof post<"/api/v1/ask/append">>[1]>["edits"] extends (infer T)[] | undefined ? T : never;

/** Which report: its name, and the project that it is for; null for all. */
export interface Which {
  readonly name: string;
  readonly project: string | null;
}

/** As the link has it. */
export const keyOf = ({ name, project }: Which): string => `${project ?? ""}:${name}`;

/** The report that a link names; null for none. */
export function whichOf(at: string): Which | null {
  const between = at.indexOf(":");
  if (between < 0 || between === at.length - 1) return null;
  return { project: at.slice(0, between) || null, name: at.slice(between + 1) };
}

const of = (project: string | null) => (project === null ? {} : { project });

export function reports(project: string): Promise<ReportFact[]> {
  return get("/api/v1/reports", { project }) as Promise<ReportFact[]>;
}

export function reportsShowing(experiment: string): Promise<ReportFact[]> {
  return get("/api/v1/reports", { experiment }) as Promise<ReportFact[]>;
}

/** A report and what is known of it where it is not there: nothing, or that it was removed. */
export interface Known {
  readonly report: Report | null;
  /** What its author has seen then. */
  readonly seen: readonly string[];
}

const scopeOf = (project: string | null) => (project === null ? "root" : `project/${project}`);

function reportOf(one: Schemas["Document"], { name, project }: Which): Report {
  const text = (one.body as { text?: unknown } | null)?.text;
  const all = (given: readonly Schemas["Document"][] | undefined) => (given ?? []).map((other) => reportOf(other, { name, project }));
  return { name, project, text: typeof text === "string" ? text : "", user: one.user, time: one.time, event: one.event, others: all(one.others), earlier: all(one.earlier) };
}

/** Ask for a report. That it is not there is an answer too. */
export async function known(which: Which, history = false): Promise<Known> {
  const found = await post("/api/v1/ask/documents", { kind: "report", name: which.name, scope: scopeOf(which.project), gone: true, history });
  const one = found.documents?.[0];
  if (!one) return { report: null, seen: [] };
  const report = reportOf(one, which);
  return { report: one.body === null ? null : report, seen: seenOf(report) };
}

/** What a text shows. */
export function piecesOf(text: string, project: string | null, signal?: AbortSignal): Promise<Piece[]> {
  return post("/api/v1/reports/pieces", { text, project } as never, signal) as Promise<Piece[]>;
}

/** The events that whoever has this report before them has seen. */
export const seenOf = (one: Report): string[] => [one.event, ...(one.others ?? []).map((other) => other.event)];

/**
 * Write a report; null removes it.
 *
 * @param seen What its author has seen: what somebody else wrote since then is never replaced. Null writes in any case.
 */
export async function write({ name, project }: Which, text: string | null, seen: readonly string[] | null): Promise<void> {
  const scope = scopeOf(project);
  const body = text === null ? null : { text };
  const edit = { type: "document", kind: "report", name, body, scope, after: seen && [...seen] } as unknown as Edit;
  await post("/api/v1/ask/append", { edits: [edit], expect: seen && [...seen] } as never);
}

/** Where a report can be had as a file. */
export const fileOf = ({ name, project }: Which, form: "md" | "html" | "pdf") => ({ parts: { name }, query: { ...of(project), form } });

/** The state of the page that shows what a block does. */
export function stateOf(block: Block): Partial<LinkState> {
  const { plot, media } = block;
  const { change } = changeOf((block.shows ?? {}) as Record<string, unknown>);
  const at = String(plot?.step ?? media?.step ?? "");
  // The experiments that it names, whatever else the view leaves out.
  const which = (plot || media) && block.ids ? { filter: block.filter ?? "", archived: true, reproductions: true } : {};
  const { which: kind = "scatter", result = "", setting = "", axes = [], brush = {} } = plot ?? {};
  if (kind === "tables" && plot) return { ...change, ...which, at, against: plot.against ?? "", key: plot.key ?? [] };
  if (!plot || kind === "histograms") return { ...change, ...which, at };
  if (kind === "parallel") return { ...change, ...which, at, axes, brush };
  return { ...change, ...which, at, result, brush, ...(kind === "slices" || kind === "importance" ? {} : { setting }) };
}

/** Whether a name is one of those, or meant by a pattern with `*`; all are where there are none. */
export function isMeant(name: string, patterns: readonly string[]): boolean {
  return !patterns.length || patterns.some((one) => fits(name, one.split("*")));
}

/** Whether a text consists of these parts, with anything between them. */
function fits(text: string, parts: readonly string[]): boolean {
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (parts.length < 2) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  const inside = text.slice(0, text.length - last.length);
  let at = first.length;
  for (const one of parts.slice(1, -1)) {
    const found = inside.indexOf(one, at);
    if (found < 0) return false;
    at = found + one.length;
  }
  return true;
}

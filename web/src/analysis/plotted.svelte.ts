/** What the plots share: how an experiment is named and coloured, and what is marked. */

import { get, post } from "../api";
import { literal, withCondition } from "../filter/completion";
import { palette } from "../palette.svelte";
import { theme } from "../theme.svelte";
import { colourIn } from "../colours";
import type { Subject } from "./subject";
import { conditionsOf, isUsuallyLog, logsOf, type Values } from "./values";

/** Of so many experiments each has its own colour. */
export const TOLD = 200;

export class Plotted {
  readonly #subject: Subject;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** The colour of what is counted. */
  strong = $derived(theme.shown === "dark" ? colourIn(0).dark : colourIn(0).light);

  /** The colour of an experiment, by its place. */
  colour(values: Values, place: number): string {
    const id = values.count <= TOLD ? values.ids[place] : undefined;
    if (id === undefined) return this.strong;
    const found = palette.of(id);
    return theme.shown === "dark" ? found.dark : found.light;
  }

  /** The same on paper. */
  light(values: Values, place: number): string {
    const id = values.count <= TOLD ? values.ids[place] : undefined;
    return (id === undefined ? colourIn(0) : palette.of(id)).light;
  }

  /** The experiment at a place: its id and its name. */
  async at(values: Values, place: number, signal: AbortSignal): Promise<{ id: string; name: string } | null> {
    const id = values.ids[place];
    if (id !== undefined) {
      const found = await get("/api/v1/experiments", { ids: [id], columns: ["name"], limit: 1 } as never, { signal });
      return found.ids[0] === undefined ? null : { id, name: String(found.columns?.[0]?.values[0] ?? id) };
    }
    const found = await post("/api/v1/analysis/values", { fields: ["name"], filter: this.#subject.filter, sort: [], place }, signal);
    const first = found.ids?.[0];
    return first === undefined ? null : { id: first, name: found.columns[0]?.labels?.[0] ?? first };
  }

  /** Keep what is marked: its conditions join the filter. */
  keep(values: Values): void {
    const filter = conditionsOf(values.columns, this.#subject.state.brush, literal).reduce((text, one) => withCondition(text, one), this.#subject.state.filter);
    this.#subject.set({ filter, brush: {} });
  }

  /** Mark a part of a field, or no longer. */
  mark(parts: Readonly<Record<string, readonly [number, number] | null>>, quietly = false): void {
    const brush = { ...this.#subject.state.brush };
    for (const [field, range] of Object.entries(parts)) {
      if (range) brush[field] = `${range[0]}..${range[1]}`;
      else delete brush[field];
    }
    this.#subject.set({ brush }, quietly);
  }

  /** The fields whose axes are logarithmic. */
  logs(values: Values | null): readonly string[] {
    return values ? logsOf(values.columns, this.#subject.state.logs) : [];
  }

  /** Have the axis of a field be logarithmic, or no longer; what it usually is, the link does not say. */
  toggleLog(values: Values | null, field: string): void {
    const column = values?.columns.find((one) => one.field === field);
    if (!column) return;
    const log = !this.logs(values).includes(field);
    const others = this.#subject.state.logs.filter((one) => one !== field && one !== `-${field}`);
    this.#subject.set({ logs: log === isUsuallyLog(column) ? others : [...others, log ? field : `-${field}`] });
  }
}

/** Which fields of experiments can be drawn, by what these have and what of it a link or somebody has chosen. */

import type { Schemas } from "../api";
import type { LinkState } from "../state";
import { bestOf, differs, titleOf } from "../table/columns";
import { isSeed, mostTried } from "../usual";
import type { Fields } from "./subject";

const AXES = 6;

/** What a field is called. */
export function titled(field: string): string {
  const { text, detail } = titleOf(field);
  return detail ? `${text} (${detail})` : text;
}

export class Telling implements Fields {
  readonly #source: () => Schemas["Telling"] | null;
  readonly #chosen: () => Pick<LinkState, "result" | "setting" | "axes">;

  /**
   * @param told What the experiments have; null until that is known.
   * @param chosen What somebody has chosen of it.
   */
  constructor(told: () => Schemas["Telling"] | null, chosen: () => Pick<LinkState, "result" | "setting" | "axes">) {
    this.#source = told;
    this.#chosen = chosen;
  }

  #told = $derived.by(() => this.#source());
  /** Settings that differ, the most telling first. */
  settings = $derived(
    (this.#told?.fields ?? []).filter((one) => (one.section === "params" || one.section === "config") && differs(one, this.#told?.experiments ?? 0)).map((one) => one.field),
  );
  /** What experiments reached: of each metric its best value, and how long they took. */
  results = $derived([...(this.#told?.fields ?? []).filter((one) => one.section === "metrics").map((one) => bestOf(one).value), "duration"]);
  /** Settings that tell repetitions apart. */
  seeds = $derived(this.settings.filter((one) => isSeed(titleOf(one).text)));
  /** Settings but for these. */
  telling = $derived(this.settings.filter((one) => !this.seeds.includes(one)));

  #mostTried = $derived(mostTried((this.#told?.fields ?? []).filter((one) => this.telling.includes(one.field))));

  /** The best value of the metric that says how good an experiment is. */
  #main = $derived((this.#told?.fields ?? []).find((one) => one.section === "metrics" && one.name === this.#told?.headline));

  /** What is explained. */
  result = $derived.by(() => this.#chosen().result || (this.#main && bestOf(this.#main).value) || this.results[0] || "duration");
  /** What it is held against: the setting that was tried with the most values. */
  setting = $derived.by(() => this.#chosen().setting || this.#mostTried || this.telling[0] || this.settings[0] || "created_at");
  /** The axes beside each other. */
  axes = $derived.by(() => this.#chosen().axes ?? [...(this.telling.length ? this.telling : ["created_at"]).slice(0, AXES), this.result]);

  /** All that can be chosen for an axis. */
  all = $derived([...new Set([this.result, this.setting, ...this.axes, ...this.settings, ...this.results, "created_at", "status", "user", "host"])]);

  title = titled;
}

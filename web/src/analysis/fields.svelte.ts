/** Which fields the tab of the analysis can draw, and which it does where nobody has chosen any. */

import { experiments } from "../experiments.svelte";
import { link } from "../link.svelte";
import { bestOf, differs, titleOf } from "../table/columns";
import { isSeed, mostTried } from "../usual";
import type { Fields } from "./subject";

const AXES = 6;

/** What a field is called. */
export function titled(field: string): string {
  const { text, detail } = titleOf(field);
  return detail ? `${text} (${detail})` : text;
}

class Telling implements Fields {
  #told = $derived(experiments.telling);
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

  /** What is explained. */
  result = $derived(link.state.result || experiments.headline?.best.value || this.results[0] || "duration");
  /** What it is held against: the setting that was tried with the most values. */
  setting = $derived(link.state.setting || this.#mostTried || this.telling[0] || this.settings[0] || "created_at");
  /** The axes beside each other. */
  axes = $derived(link.state.axes ?? [...(this.telling.length ? this.telling : ["created_at"]).slice(0, AXES), this.result]);

  /** All that can be chosen for an axis. */
  all = $derived([...new Set([this.result, this.setting, ...this.axes, ...this.settings, ...this.results, "created_at", "status", "user", "host"])]);

  title = titled;
}

export const fields = new Telling();

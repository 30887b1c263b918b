/** The trials of a sweep: how they ended, which are the best, and what they have that can be drawn. */

import { Telling } from "../../analysis/fields.svelte";
import type { Subject } from "../../analysis/subject";
import { get, type Schemas } from "../../api";
import { rowsOf, type Row } from "../../experiments.svelte";
import { link } from "../../link.svelte";
import { live } from "../../live.svelte";
import { paint } from "../../paint.svelte";
import { quoted, USUAL, type LinkState } from "../../state";
import { bestOf } from "../../table/columns";
import { endings, type Declared } from "./trials";

const AGAIN = 3000; // ms at least between two looks
const BEST = 10;
const SETTINGS = 6;

export class Trials {
  told = $state.raw<Schemas["Telling"] | null>(null);
  best = $state.raw<readonly Row[]>([]);
  ended = $state.raw<ReadonlyMap<string, number>>(new Map());
  problem = $state("");
  readonly filter: string;
  readonly #of: Declared;
  #chosen = $state.raw<Partial<LinkState>>({});
  #asked = -Infinity;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string, of: Declared) {
    this.filter = `parent == ${quoted(id)} and not (relation == 'reproduces')`;
    this.#of = of;
  }

  /** The best value of the metric that the sweep is about; "" where it is about none. */
  result = $derived.by(() => {
    const metric = this.told?.fields.find((one) => one.section === "metrics" && one.name === this.#of.metric);
    return metric ? bestOf({ ...metric, better: this.#of.better }).value : "";
  });

  /** How they are drawn: at first in the order of their creation, with the best so far. */
  state = $derived.by<LinkState>(() => ({
    ...USUAL,
    setting: this.#plot === "scatter" ? "created_at" : "",
    result: this.result,
    front: this.result ? (this.#of.better === "max" ? "low-high" : "low-low") : "none",
    ...this.#chosen,
  }));

  get #plot(): LinkState["plot"] {
    return this.#chosen.plot ?? "scatter";
  }

  readonly fields = new Telling(() => this.told, () => this.state);

  /** The columns of the best ones: their settings, those first that differ most. */
  settings = $derived(this.fields.settings.slice(0, SETTINGS));

  /** What is drawn of them; what leads elsewhere, the workspace shows. */
  subject(): Subject {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the properties below are read later
    const trials = this;
    return {
      get state() {
        return trials.state;
      },
      get filter() {
        return trials.state.filter ? `(${trials.state.filter}) and ${trials.filter}` : trials.filter;
      },
      get revision() {
        return trials.told?.experiments ?? 0;
      },
      fields: this.fields,
      still: false,
      set(change) {
        if (change.selected) link.go({ page: "experiments" }, { ...USUAL, filter: trials.filter, tab: "table", selected: change.selected });
        else trials.#chosen = { ...trials.#chosen, ...change };
      },
      listed: () => ({ rows: [], total: 0, selected: false, more: false, waiting: false, most: 0 }),
      shade: (row) => paint.own(row.id),
    };
  }

  /** Follow them; the answer ends that. */
  begin(): () => void {
    void this.#ask();
    const end = live.listen(() => {
      this.#later ??= setTimeout(() => {
        this.#later = undefined;
        void this.#ask();
      }, Math.max(0, this.#asked + AGAIN - Date.now()));
    });
    return () => {
      end();
      clearTimeout(this.#later);
    };
  }

  async #ask(): Promise<void> {
    this.#asked = Date.now();
    try {
      this.told = await get("/api/v1/telling", { filter: this.filter });
      const sort = this.result ? [this.#of.better === "max" ? `-${this.result}` : this.result] : ["-created_at"];
      const columns = ["name", "status", "reason", "duration", ...(this.result ? [this.result] : []), ...this.settings];
      const ask = (question: object) => get("/api/v1/experiments", { filter: this.filter, ...question } as never);
      const early = `${this.filter} and status == 'cancelled' and reason == 'stopped early'`;
      const [best, groups, stopped] = await Promise.all([ask({ sort, columns, limit: BEST }), ask({ group: ["status"] }), ask({ filter: early, limit: 0, total: true })]);
      const [statuses, counts] = (groups.columns ?? []).map((one) => one.values);
      this.best = rowsOf(best, columns);
      this.ended = endings((statuses ?? []).map((one, at) => [String(one), Number(counts?.[at] ?? 0)] as const), stopped.total ?? 0);
      this.problem = "";
    } catch (error) {
      this.problem = (error as Error).message;
    }
  }
}

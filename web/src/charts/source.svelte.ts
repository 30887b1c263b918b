/**
 * Where panels get their curves from: answers are kept for a while, a few are asked for at a time, and what changes is fetched for
 * the experiments that changed alone.
 */

import { get, postForColumns } from "../api";
import { experiments } from "../experiments.svelte";
import { link } from "../link.svelte";
import { live } from "../live.svelte";
import { opening } from "../opening.svelte";
import { palette } from "../palette.svelte";
import { quoted } from "../state";
import { usual } from "../usual.svelte";
import { panelData, type PanelAnswer, type PanelData } from "./curves";
import { joined, lastPlace } from "./joined";
import { groupFields, labelOf, limitOf, MOST, question, type Cells, type Which } from "./question";
import { Queue } from "./queue";
import type { Range } from "./scale";

/** The mark of the browser's clock at which the first chart was on the screen; `benchmarks/page.py` reads it. */
const FIRST_CHART = "anew-first-chart";
const KEPT = 80;
const GROUPS_AGAIN = 2000; // ms at least between two looks at groups or buckets that change
const CROWDS_AGAIN = 15_000; // and at what takes a while to be counted
type Question = ReturnType<typeof question>;

/** A panel that is on the screen, as far as following it needs. */
export interface Followed {
  readonly asked: Question;
  data(): PanelData | null;
  take(data: PanelData): void;
  again(): void;
}

class Source {
  #answers = new Map<string, Promise<PanelData>>();
  #queue = new Queue();
  #followed = new Set<Followed>();
  #changed = new Set<string>();
  #busy = false;
  #slow = new Set<Followed>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #crowds = new Set<Followed>();
  #crowdTimer: ReturnType<typeof setTimeout> | null = null;

  names = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** The values of the field that gives colours, by experiment. */
  values = $state.raw<ReadonlyMap<string, string>>(new Map());

  #total = $derived(experiments.total ?? experiments.telling?.experiments ?? 0);
  /** Whether there are more than can be drawn as lines. */
  crowded = $derived(link.state.eye.all && !groupFields(link.state).length && this.#total > MOST);
  /** How many experiments panels are asked of. */
  asked = $derived(!link.state.eye.all ? link.state.eye.except.length : Math.min(limitOf(link.state, this.crowded) ?? this.#total, this.#total));
  /** Whether not all would be counted unless all were asked for. */
  cut = $derived(this.crowded && (limitOf({ ...link.state, every: false }, true) ?? this.#total) < this.#total);

  /** Which experiments a panel is asked for; null while that is not known. */
  which = $derived.by((): Which | null => {
    const { eye, sort } = link.state;
    if ((experiments.total === null && experiments.telling === null) || usual.deciding) return null;
    if (!eye.all) return { ids: eye.except };
    // Of lines those that the eye leaves out are there and not drawn; in groups and cells they would be counted.
    const limit = limitOf(link.state, this.crowded);
    if (!this.crowded && !groupFields(link.state).length) return { filter: experiments.filter, sort, limit };
    const seen = eye.except.length ? `not (id in (${eye.except.map(quoted).join(", ")}))` : "";
    const filter = experiments.filter && seen ? `(${experiments.filter}) and ${seen}` : experiments.filter || seen;
    return { filter, sort, limit };
  });

  /** Look at everything again, some time soon: there are other experiments than before. */
  #others(): void {
    for (const one of this.#followed) this.#slow.add(one);
    this.#soon();
  }

  /** Follow what is shown; the answer ends it. */
  begin(): () => void {
    const end = live.listen((changes) => {
      if (changes.everything || changes.gone?.length) this.forget();
      for (const id of changes.ids ?? []) this.#changed.add(id);
      void this.#follow();
    });
    let total: number | null = null;
    const stop = $effect.root(() => {
      $effect(() => {
        if (total !== null && experiments.total !== total) this.#others();
        total = experiments.total;
      });
    });
    return () => {
      end();
      stop();
    };
  }

  /** Ask again for everything that is shown. */
  forget(): void {
    this.#answers.clear();
    for (const one of this.#followed) one.again();
  }

  #drawn = false;

  /** Say that a chart was drawn: the first one is marked for whoever measures the page, and others may be asked for then. */
  drawn(): void {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      performance.mark(FIRST_CHART);
      setTimeout(() => this.open());
    });
  }

  /** Let all panels ask: the first one is on the screen, or has nothing to draw. */
  open(): void {
    opening.end();
    this.#queue.open();
  }

  /** What the colours of groups say, by the key of the colour. */
  legend = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** What groups are called, by their keys. */
  groups = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** What dashes say: the values of the field that gives them, in their order, by what they are called. */
  dashes = $state.raw<ReadonlyMap<unknown, string>>(new Map());
  #legendOf = "";

  /** Add groups to the legend. */
  tell(groups: PanelData["groups"], key: (one: PanelData["groups"][number]) => string): void {
    const { group, dash } = link.state;
    const fields = groupFields(link.state);
    const of = JSON.stringify([group, fields, experiments.filter]);
    const at = group.includes(dash) ? -1 : fields.indexOf(dash);
    const dashed = new Map(of === this.#legendOf ? this.dashes : []);
    if (at >= 0) for (const one of groups) dashed.set(one.values[at], labelOf(one.values.slice(at, at + 1), [dash]));
    if (dashed.size !== this.dashes.size || [...dashed.keys()].some((one) => !this.dashes.has(one))) {
      this.dashes = new Map([...dashed].sort(([, a], [, b]) => natural(a, b)));
    }
    const found = new Map(of === this.#legendOf ? this.legend : []);
    const called = new Map(of === this.#legendOf ? this.groups : []);
    this.#legendOf = of;
    for (const one of groups) called.set(one.key, labelOf(one.values, fields));
    if (called.size !== this.groups.size || [...called.keys()].some((one) => !this.groups.has(one))) this.groups = called;
    for (const one of groups) found.set(key(one), labelOf(one.values, group.length ? group : groupFields(link.state)));
    if (found.size !== this.legend.size || [...found.keys()].some((one) => !this.legend.has(one))) this.legend = found;
  }

  /** What an experiment or a group is called. */
  called(key: string): string {
    return this.groups.get(key) ?? this.names.get(key) ?? key;
  }

  /** Give colours to the values of the field that gives them. */
  colour(): void {
    palette.see([...new Set(this.values.values())]);
  }

  /** The curves that answer a question. */
  load(asked: Question): Promise<PanelData> {
    const key = keyOf(asked);
    const known = this.#answers.get(key);
    if (known) {
      this.#answers.delete(key);
      this.#answers.set(key, known);
      return known;
    }
    const answer = this.#queue.ask(() => this.#ask(asked));
    this.#answers.set(key, answer);
    answer.catch(() => this.#answers.delete(key));
    for (const old of [...this.#answers.keys()].slice(0, Math.max(0, this.#answers.size - KEPT))) this.#answers.delete(old);
    return answer;
  }

  /** Keep a panel as it is while its experiments run; the answer ends it. */
  follow(panel: Followed): () => void {
    this.#followed.add(panel);
    return () => {
      this.#followed.delete(panel);
      this.#slow.delete(panel);
    };
  }

  async #ask(asked: Question): Promise<PanelData> {
    const found = (await postForColumns("/api/v1/panel", asked as never)) as unknown as PanelAnswer;
    const { centre, band } = link.state;
    return panelData(found, centre, band, asked.density?.spacing === "log");
  }

  /** Fetch the new points of what has changed, for all panels at once. */
  async #follow(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#changed.size && this.#followed.size) {
        const ids = [...this.#changed];
        this.#changed.clear();
        await this.#news(ids);
      }
    } finally {
      this.#busy = false;
    }
  }

  async #news(ids: readonly string[]): Promise<void> {
    const quick: Followed[] = [];
    for (const panel of this.#followed) {
      const data = panel.data();
      if (data === null) continue;
      const { asked } = panel;
      if (data.density !== null) {
        this.#later(panel);
        continue;
      }
      // One that is listed and has no curve yet may have its first point now; one that is not listed is of another filter.
      const first = ids.some((id) => !data.ids.has(id) && experiments.indexOf(id) >= 0);
      const mine = ids.some((id) => data.ids.has(id));
      const plain = data.exact && !asked.group.length && !asked.smooth && !asked.attempts && asked.x !== "metric";
      if (first || (mine && !(plain && asked.stop === null))) this.#slow.add(panel);
      else if (mine) quick.push(panel);
    }
    if (quick.length) {
      const known = ids.filter((id) => quick.some((panel) => panel.data()?.ids.has(id)));
      const first = quick[0] as Followed;
      const starts = quick.map((panel) => lastPlace(panel.data() as PanelData, known));
      const asked = {
        ...first.asked,
        ids: known,
        metrics: [...new Set(quick.flatMap((panel) => panel.asked.metrics))],
        start: Math.min(...starts),
        origin: String((first.data() as PanelData).origin),
        columns: [],
        robust: null,
        points: 100_000,
      };
      for (const key of ["filter", "sort", "limit"]) delete (asked as Record<string, unknown>)[key];
      try {
        const news = panelData((await postForColumns("/api/v1/panel", asked as never)) as unknown as PanelAnswer);
        for (const panel of quick) {
          const after = joined(panel.data() as PanelData, news, panel.asked.metrics);
          if (after === null) this.#slow.add(panel);
          else {
            this.#answers.set(keyOf(panel.asked), Promise.resolve(after));
            panel.take(after);
          }
        }
      } catch {
        for (const panel of quick) this.#slow.add(panel);
      }
    }
    this.#soon();
  }

  /** Look at a crowd again after a while. */
  #later(panel: Followed): void {
    this.#crowds.add(panel);
    this.#crowdTimer ??= setTimeout(() => {
      this.#crowdTimer = null;
      for (const one of this.#crowds) if (this.#followed.has(one)) this.#slow.add(one);
      this.#crowds.clear();
      this.#soon();
    }, CROWDS_AGAIN);
  }

  /** Ask for the names of experiments that are not known yet. */
  async learn(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !this.names.has(id));
    if (!missing.length) return;
    const found = await get("/api/v1/experiments", { ids: missing, columns: ["name"], limit: missing.length } as never);
    const called = found.columns?.[0]?.values as readonly unknown[] | undefined;
    this.names = new Map([...this.names, ...found.ids.map((id, at) => [id, String(called?.[at] ?? id)] as const)]);
  }

  #soon(): void {
    if (!this.#slow.size) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const panels = [...this.#slow];
      this.#slow.clear();
      for (const panel of panels) {
        this.#answers.delete(keyOf(panel.asked));
        panel.again();
      }
    }, GROUPS_AGAIN);
  }
}

const natural = new Intl.Collator("en", { numeric: true }).compare;

/** What tells answers apart: the question, and of groups what is made of the answer. */
function keyOf(asked: Question): string {
  const { centre, band } = link.state;
  return JSON.stringify(asked.group.length ? [asked, centre, band] : [asked]);
}

export const source = new Source();

/** What a panel of these metrics asks now; null while that is not known. */
export function askedNow(
  metrics: readonly string[],
  width: number,
  zoom: Range | null,
  origin: bigint | null,
  only: readonly string[] | null = null,
  cells: Cells | null = null,
): Question | null {
  const which = only === null ? source.which : { ids: only };
  if (which === null) return null;
  const count = 2 ** Math.ceil(Math.log2(Math.max(1, "ids" in which ? which.ids.length : source.asked)));
  const state = only === null ? link.state : { ...link.state, group: [], dash: "", facet: "" };
  return question(metrics, which, count, Math.ceil(width / 20) * 20, state, zoom, origin, only === null && source.crowded ? cells : null);
}

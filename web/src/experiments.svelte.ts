/**
 * The experiments that the link chooses, in its order: a window on a list of any length.
 *
 * Rows are fetched in pages as they come into view and kept while they are near. A change fetches the rows that it is about.
 */

import { groupFields } from "./charts/question";
import { get, Refused, Unreachable, type Schemas } from "./api";
import { link } from "./link.svelte";
import { live, type Changes } from "./live.svelte";
import { opening } from "./opening.svelte";
import { BEFORE_FILTER, wholeFilter } from "./state";
import { mine } from "./people/mine.svelte";
import { bestOf, CURVE, differs, usualColumns, type Cell } from "./table/columns";

export interface Row {
  readonly id: string;
  readonly cells: ReadonlyMap<string, Cell>;
}

const PAGE = 100;
const KEPT = 40;
/** What every list needs of an experiment, whatever columns are chosen. */
const ALWAYS = ["name", "prefix", "status", "reason", "created_at", "duration", "tags", "notes", "description"];
const AGAIN = 1500; // ms at least between two looks at the whole list
const ROWS_AGAIN = 3000; // ms at least between two looks at rows that change
const PATIENCE = 400; // ms that the first question waits for which columns to ask for
const LARGE = 2000; // of more experiments than these, looking at what they have takes a while,
const ROWS_FIRST = 1000; // ms; the rows of another filter come before that, and those of whatever is asked next
const TELL_AGAIN = 10_000;
const NAMES_LATER = 300; // ms until the names of further metrics are fetched
const UNHURRIED = 500; // ms until what is left out is counted at first: what is shown comes before

class Experiments {
  /** How many there are; null until that is known. */
  total = $state<number | null>(null);
  /** Why the question cannot be answered. */
  problem = $state.raw<Error | null>(null);
  /** Whether what is shown is not yet what is asked for. */
  waiting = $state(true);
  /** How many the filter finds with those that are archived or reproductions; null until that is known. */
  every = $state<number | null>(null);
  telling = $state.raw<Schemas["Telling"] | null>(null);
  kinds = $state.raw<ReadonlyMap<string, Schemas["Column"]["kind"]>>(new Map());
  /** Raised when any row has changed. */
  revision = $state(0);

  #pages = new Map<number, (Row | null)[]>();
  #asked = "";
  #told = "";
  #counted: string | null = null;
  /** Metrics that are not told at once, and the filter that they are of. */
  #names: Fields = [];
  #namesOf = "";
  #first = 0;
  #stop = PAGE;
  #fetching = new Map<number, AbortController>();
  #changed = new Set<string>();
  #whole = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #rowTimer: ReturnType<typeof setTimeout> | null = null;
  #updated = -Infinity;
  #tellTimer: ReturnType<typeof setTimeout> | null = null;
  #seen = 0;
  #begun = false;
  #patience: ReturnType<typeof setTimeout> | null = null;

  /** The columns of the table. */
  columns = $derived.by<readonly string[]>(() => {
    const chosen = link.state.columns ?? mine.preferences.columns ?? usualColumns(this.telling);
    const told = this.telling;
    if (!link.state.differs || told === null) return chosen;
    const same = new Set(told.fields.filter((one) => one.section !== "metrics" && !differs(one, told.experiments)).map((one) => one.field));
    const more = told.fields.filter((one) => one.section !== "metrics" && one.section !== "tags" && differs(one, told.experiments)).map((one) => one.field);
    return [...new Set([...chosen.filter((one) => !same.has(one)), ...more])];
  });
  /** The row that keys act on; -1 for none. */
  cursor = $state(-1);
  filter = $derived(wholeFilter(link.state));
  /** The metric that says how good an experiment is, and its best value. */
  headline = $derived.by(() => {
    const metric = this.telling?.fields.find((one) => one.section === "metrics" && one.name === this.telling?.headline);
    return metric === undefined ? null : { metric, best: bestOf(metric) };
  });
  /** All fields that are fetched of each row. */
  fields = $derived<readonly string[]>([
    ...new Set([...ALWAYS, ...this.columns.filter((one) => !one.startsWith(CURVE)), ...groupFields(link.state), ...(link.state.colourBy ? [link.state.colourBy] : []), ...(this.headline ? [this.headline.best.value] : [])]),
  ]);

  /** The row at a place of the list; undefined while it is fetched. */
  row(at: number): Row | undefined {
    void this.revision;
    return this.#pages.get(Math.floor(at / PAGE))?.[at % PAGE] ?? undefined;
  }

  /** The rows that are known, in order. */
  known(): Row[] {
    void this.revision;
    const pages = [...this.#pages.entries()].sort(([a], [b]) => a - b);
    return pages.flatMap(([, rows]) => rows.filter((one): one is Row => one !== null));
  }

  /** How many more the filter finds that are archived or reproductions, and left out. */
  get leftOut(): number {
    return this.every === null || this.total === null || this.waiting ? 0 : Math.max(0, this.every - this.total);
  }

  /** Where an experiment stands in the list, if it is known. */
  indexOf(id: string): number {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex((one) => one?.id === id);
      if (at >= 0) return page * PAGE + at;
    }
    return -1;
  }

  /** Say which rows are on the screen. */
  want(first: number, stop: number): void {
    this.#first = first;
    this.#stop = stop;
    this.#fill();
  }

  /** The rows of some experiments, wherever they stand; of one that is gone there is none. */
  async rowsOf(ids: readonly string[]): Promise<readonly Row[]> {
    const found = new Map(this.known().map((one) => [one.id, one]));
    const missing = ids.filter((id) => !found.has(id));
    for (let at = 0; at < missing.length; at += PAGE) {
      const some = missing.slice(at, at + PAGE);
      const answer = await get("/api/v1/experiments", { ids: some, columns: ALWAYS, limit: some.length } as never);
      for (const row of rowsOf(answer, ALWAYS)) found.set(row.id, row);
    }
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  /** The ids of the first experiments of the list, at most so many; of those that meet a further condition too, if there is one. */
  async ids(most: number, signal?: AbortSignal, also = ""): Promise<readonly string[]> {
    const filter = [this.filter && also ? `(${this.filter})` : this.filter, also].filter((one) => one !== "").join(" and ");
    const query = { filter, sort: [...link.state.sort], limit: most };
    return (await get("/api/v1/experiments", query as never, { signal })).ids as readonly string[];
  }

  /** Follow the link and what changes; the answer ends it. */
  begin(): () => void {
    const end = live.listen((changes) => this.#heard(changes));
    const stop = $effect.root(() => {
      $effect(() => {
        const asked = JSON.stringify([this.filter, link.state.sort, this.fields]);
        if (asked === this.#asked) return;
        this.#asked = asked;
        // Which columns are shown at first is told in a moment; a large store does not wait for that.
        if (this.telling === null && !this.#begun) this.#patience = setTimeout(() => this.again(), PATIENCE);
        else this.again();
        this.#begun = true;
      });
      $effect(() => {
        const { filter, telling } = this;
        if (filter === this.#told && telling !== null) return;
        if (telling === null || telling.experiments < LARGE) return void this.#tell(filter);
        const timer = setTimeout(() => void this.#tell(filter), ROWS_FIRST);
        return () => clearTimeout(timer);
      });
    });
    return () => {
      end();
      stop();
    };
  }

  /** Ask for everything again; what is shown stays until the answer comes. */
  again(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
    this.waiting = true;
    this.#whole = true;
    this.#seen += 1;
    for (const one of this.#fetching.values()) one.abort();
    this.#fetching.clear();
    this.#fill();
  }

  async #tell(filter: string): Promise<void> {
    this.#told = filter;
    try {
      const found = await get("/api/v1/telling", { filter });
      if (this.filter !== filter) return;
      const told = metricsOf(found).length;
      const further = filter === this.#namesOf ? this.#names : [];
      this.telling = withNames(found, further);
      if (found.metrics > told && found.metrics !== told + further.length) setTimeout(() => void this.#nameAll(filter, found.metrics), NAMES_LATER);
    } catch {
      // The list says what is wrong with the filter.
    } finally {
      opening.soon();
    }
  }

  /** Fetch the names of all metrics, where there are more than are told at once. */
  async #nameAll(filter: string, metrics: number): Promise<void> {
    try {
      const found = await get("/api/v1/telling", { filter, metrics });
      if (this.filter !== filter || this.telling === null) return;
      const told = new Set(metricsOf(this.telling).map((one) => one.name));
      this.#names = metricsOf(found).filter((one) => !told.has(one.name));
      this.#namesOf = filter;
      this.telling = withNames(this.telling, this.#names);
    } catch {
      // Those that tell most are there.
    }
  }

  #fill(): void {
    if (this.#patience !== null || !this.#begun) return;
    const last = Math.max(this.#first, this.#stop - 1);
    for (let page = Math.floor(this.#first / PAGE); page <= Math.floor(last / PAGE); page += 1) {
      const there = this.#pages.has(page) && !this.#whole;
      if (!there && !this.#fetching.has(page)) void this.#fetch(page);
    }
  }

  async #fetch(page: number): Promise<void> {
    const abort = new AbortController();
    const seen = this.#seen;
    const fields = this.fields;
    this.#fetching.set(page, abort);
    const query = {
      filter: this.filter,
      sort: [...link.state.sort],
      columns: [...fields],
      limit: PAGE,
      offset: page * PAGE,
      total: !this.#countsLater,
    };
    try {
      const found = await get("/api/v1/experiments", query as never, { signal: abort.signal });
      if (seen !== this.#seen) return;
      const whole = this.#whole;
      if (whole) {
        this.#pages.clear();
        this.#whole = false;
      }
      this.#pages.set(page, rowsOf(found, fields));
      this.kinds = new Map((found.columns ?? []).map((one, at) => [fields[at] ?? one.name, one.kind]));
      if (typeof found.total === "number") this.#totalled(found.total);
      else if (whole) void this.#total(seen, page * PAGE + found.ids.length);
      this.problem = null;
      this.waiting = false;
      this.#forget();
      this.revision += 1;
    } catch (error) {
      if (abort.signal.aborted || seen !== this.#seen) return;
      this.waiting = false;
      this.problem = error as Error;
    } finally {
      opening.soon();
      if (this.#fetching.get(page) === abort) this.#fetching.delete(page);
      if (seen === this.#seen && this.problem === null && !abort.signal.aborted) this.#fill();
    }
  }

  /** Whether rows come before their number does: to count what a filter finds among very many takes longer than to find the first. */
  get #countsLater(): boolean {
    return link.state.tab === "table" && (this.total ?? 0) > LARGE;
  }

  /** Count the list; until that is done, it has as many rows as before, or as are known. */
  async #total(seen: number, known: number): Promise<void> {
    this.total = Math.max(known, this.total ?? 0);
    try {
      const found = await get("/api/v1/experiments", { filter: this.filter, limit: 0, total: true } as never);
      if (seen === this.#seen && typeof found.total === "number") this.#totalled(found.total);
    } catch {
      // The list says what is wrong.
    }
  }

  #totalled(total: number): void {
    const before = this.total;
    this.total = total;
    if (this.#counted === null) setTimeout(() => void this.#count(), UNHURRIED);
    else if (this.#counted !== this.filter || before !== total) void this.#count(); // what went may be left out now
  }

  #forget(): void {
    const middle = (this.#first + this.#stop) / 2 / PAGE;
    const far = [...this.#pages.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const page of far.slice(0, Math.max(0, this.#pages.size - KEPT))) this.#pages.delete(page);
  }

  #heard(changes: Changes): void {
    const ids = changes.ids ?? [];
    if (changes.everything) {
      this.again();
      void this.#tell(this.filter);
      return;
    }
    for (const id of ids) this.#changed.add(id);
    const unknown = ids.some((id) => this.indexOf(id) < 0) || (changes.gone ?? []).length > 0;
    if (unknown) this.#later();
    else if (ids.length) this.#updateSoon();
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = null;
      void this.#tell(this.filter);
    }, this.telling?.experiments ? TELL_AGAIN : 0);
  }

  /** Count what is left out without being asked for, so that the page can say so. */
  async #count(): Promise<void> {
    const { filter } = this;
    this.#counted = filter;
    const every = wholeFilter({ ...link.state, archived: true, reproductions: true });
    this.every = null;
    if (every === filter) return; // all of them are shown
    try {
      const found = await get("/api/v1/experiments", { filter: every, limit: 0, total: true } as never);
      if (this.filter === filter) this.every = found.total ?? null;
    } catch {
      // What is wrong with the filter, the list says.
    }
  }

  /** Look at the whole list again, not more often than the eye follows. */
  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.again();
    }, this.total ? AGAIN : 0);
  }

  /** Fetch what has changed at once after a while without a change; else not more often than a number in a list is read. */
  #updateSoon(): void {
    const wait = Math.max(0, this.#updated + ROWS_AGAIN - performance.now());
    this.#rowTimer ??= setTimeout(() => {
      this.#rowTimer = null;
      this.#updated = performance.now();
      void this.#update();
    }, wait);
  }

  /** Fetch the rows that have changed, where they are known, and leave all others. */
  async #update(): Promise<void> {
    const ids = [...this.#changed];
    this.#changed.clear();
    const fields = this.fields;
    const seen = this.#seen;
    try {
      const query = { ids, filter: this.filter, columns: [...fields], limit: ids.length };
      const found = await get("/api/v1/experiments", query as never);
      if (seen !== this.#seen) return;
      if (found.ids.length !== ids.length) return this.#later(); // one meets the filter no longer
      for (const row of rowsOf(found, fields)) {
        const at = this.indexOf(row.id);
        const page = this.#pages.get(Math.floor(at / PAGE));
        if (page) page[at % PAGE] = row;
      }
      this.revision += 1;
      const keys = link.state.sort.map((one) => one.replace(/^[-+]/, ""));
      if (keys.some((one) => one !== "created_at" && one !== "name" && one !== "prefix")) this.#later();
    } catch {
      this.#later();
    }
  }
}

type Fields = Schemas["Telling"]["fields"];

function metricsOf(telling: Schemas["Telling"]): Fields {
  return telling.fields.filter((one) => one.section === "metrics");
}

/** What tells most, with further metrics after it. */
function withNames(telling: Schemas["Telling"], more: Fields): Schemas["Telling"] {
  const told = new Set(metricsOf(telling).map((one) => one.name));
  const others = more.filter((one) => !told.has(one.name));
  return others.length ? { ...telling, fields: [...telling.fields, ...others] } : telling;
}

/** The rows of an answer, with the fields that were asked for. */
export function rowsOf(found: Schemas["Selected"], fields: readonly string[]): Row[] {
  return found.ids.map((id, row) => ({
    id,
    cells: new Map(fields.map((field, at) => [field, found.columns?.[at]?.values[row] as Cell])),
  }));
}

/** Where in the filter that was typed a refusal points, and what it says. */
export function mistakeIn(error: Error | null): { readonly message: string; readonly at: number | null; readonly suggestion: string | null } | null {
  if (error === null || error instanceof Unreachable || (error instanceof Refused && error.status === 401)) return null; // a banner says so
  if (!(error instanceof Refused) || error.problem.code !== "QueryError") return { message: error.message, at: null, suggestion: null };
  const { position, suggestion } = error.problem;
  const at = position === null || position === undefined ? null : position - BEFORE_FILTER;
  // Behind what was typed stands what closes it: of that nobody knows.
  const message = at === link.state.filter.length ? error.message.replace("there is ')'", "the filter ends") : error.message;
  return { message, at: at !== null && at >= 0 ? at : null, suggestion: suggestion ?? null };
}

export const experiments = new Experiments();

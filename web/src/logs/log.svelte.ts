/**
 * A window on a log of any length: pages of lines around where somebody reads, or the lines that a search finds, each with its neighbours.
 *
 * The server finds what is searched for, a part of the log at a time; the window goes on asking until it has enough, or everything was looked at.
 */

import { get, type Schemas } from "../api";
import { size } from "../numbers";

export interface Line {
  /** A number that stays while the line is in the window. */
  readonly key: number;
  readonly text: string;
  readonly level: string;
  readonly writer: string;
  /** Seconds since the epoch; null where nobody knows: the console has no times. */
  readonly time: number | null;
  readonly fields: string | null;
  /** Whether it meets the search, or is given for one that does. */
  readonly matched: boolean;
  readonly place: string | null;
  /** Whether it has no end yet. */
  readonly open: boolean;
  /** Whether it goes on with the message of the line before. */
  readonly rest: boolean;
}

export interface Search {
  readonly stream: "messages" | "console";
  readonly level: string;
  readonly writer: string;
  /** A text, or a regular expression between slashes. */
  readonly text: string;
}

type Query = Partial<Record<string, unknown>>;

const PAGE = 400;
const KEPT = 6000;
const FOUND = 300; // matches that a search gives before it waits to be asked for more
const CONTEXT = 2;
const MUCH = 4 << 20; // characters with which a page of lines is full, however few lines these are
const LONGEST = 10_000; // characters of a line that are shown

export class LogWindow {
  lines = $state.raw<readonly Line[]>([]);
  writers = $state.raw<readonly string[]>([]);
  problem = $state.raw<Error | null>(null);
  /** Whether the beginning and the end of the log are in the window. */
  atStart = $state(false);
  atEnd = $state(false);
  busy = $state(false);
  /** How many lines a search has found so far. */
  found = $state(0);
  /** How many bytes there are, and how many of them a search has still to look at. */
  size = $state(0);
  left = $state(0);

  #id: string;
  #search: Search;
  #before: string | null = null;
  #after: string | null = null;
  #next = 0;
  #asked = 0;
  #abort = new AbortController();
  #again = false;

  constructor(id: string, search: Search) {
    this.#id = id;
    this.#search = search;
  }

  get searching(): boolean {
    return this.#search.text !== "";
  }

  /** Begin at the end of the log. */
  async end(): Promise<void> {
    await this.#begin({ backward: true });
  }

  /** Begin at the start of the log. */
  async start(): Promise<void> {
    await this.#begin({});
  }

  /** Begin at a line, by its place. */
  async at(place: string): Promise<void> {
    await this.#begin({ cursor: place });
    await this.earlier();
  }

  /** Begin with the first message of a time or later. */
  async since(time: number): Promise<void> {
    await this.#begin({ time });
    await this.earlier();
  }

  stop(): void {
    this.#abort.abort();
  }

  /** End a search where it is; it can go on from there. */
  pause(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  /** Fetch what comes before the window; how many lines that were. */
  async earlier(): Promise<number> {
    if (this.atStart || this.#before === null || this.busy) return 0;
    return (await this.#page({ backward: true, cursor: this.#before })) ?? 0;
  }

  /** Fetch what comes after the window. */
  async later(): Promise<number> {
    if (this.#after === null) return 0;
    if (this.busy) {
      this.#again = true;
      return 0;
    }
    let count = 0;
    do {
      this.#again = false;
      count += (await this.#page({ cursor: this.#after })) ?? 0;
    } while (this.#again);
    return count;
  }

  async #begin(query: Query): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#asked += 1;
    this.lines = [];
    this.#before = this.#after = null;
    this.atStart = this.atEnd = false;
    this.busy = false;
    this.found = 0;
    await this.#page(query);
  }

  /** One page; a search goes on until it has found something, or everything was looked at. */
  async #page(query: Query): Promise<number | null> {
    const asked = this.#asked;
    const { signal } = this.#abort;
    const backward = query.backward === true;
    const middle = query.cursor !== undefined || query.time !== undefined;
    let first = this.#after === null;
    let cursor = query.cursor;
    let count = 0;
    let characters = 0;
    let matches = 0;
    this.busy = true;
    try {
      for (;;) {
        const answer = await get(
          "/api/v1/experiments/{ref}/lines",
          { ...this.#question(), ...query, ...(cursor === undefined ? {} : { cursor }) } as never,
          { path: { ref: this.#id }, signal },
        );
        if (asked !== this.#asked) return null;
        const given = this.#take(answer, backward, first, middle);
        first = false;
        count += given;
        characters += answer.messages.reduce((sum, one) => sum + one.length, 0);
        matches += answer.matched?.length ? answer.matched.filter(Boolean).length : given;
        this.problem = null;
        cursor = backward ? answer.before : answer.after;
        const enough = characters >= MUCH || (this.searching ? matches >= FOUND : count >= PAGE / 2);
        if (!answer.more || enough) break;
      }
      return count;
    } catch (error) {
      if (asked !== this.#asked || signal.aborted) return null;
      this.problem = error as Error;
      return count;
    } finally {
      if (asked === this.#asked) this.busy = false;
    }
  }

  #question(): Query {
    const { stream, level, writer, text } = this.#search;
    const pattern = /^\/(.+)\/$/.exec(text)?.[1];
    return {
      stream,
      limit: PAGE,
      ...(level && stream === "messages" ? { level } : {}),
      ...(writer ? { writers: [writer] } : {}),
      ...(pattern ? { pattern } : text ? { contains: text } : {}),
      ...(text ? { context: CONTEXT } : {}),
      places: true,
      ...(stream === "console" ? { unfinished: true } : {}),
    };
  }

  #take(answer: Schemas["Lines"], backward: boolean, first: boolean, middle: boolean): number {
    const times = answer.times as readonly unknown[];
    const given = answer.messages.flatMap((text, at) => {
      const line = {
        level: answer.levels[at] ?? "",
        writer: answer.writers[at] ?? "",
        time: typeof times[at] === "number" ? (times[at] as number) : null,
        matched: answer.matched?.length ? answer.matched[at] === true : true,
        place: answer.places?.[at] ?? null,
        open: answer.unfinished === true && at === answer.messages.length - 1,
      };
      const parts = text.replace(/\n+$/, "").split("\n");
      const last = parts.length - 1;
      return parts.map((part, number): Line => ({
        ...line,
        key: this.#next++,
        text: shown(part),
        fields: number === last ? (answer.fields[at] ?? null) : null,
        rest: number > 0,
      }));
    });
    this.writers = answer.known_writers;
    this.size = answer.size ?? 0;
    this.left = answer.left ?? 0;
    if (this.searching) this.found += given.filter((one) => one.matched && !one.rest).length;
    if (first) {
      this.#before = answer.before;
      this.#after = answer.after;
      this.lines = given;
      this.atEnd = backward || !answer.more;
      this.atStart = backward ? !answer.more : !middle;
      return given.length;
    }
    if (backward) {
      this.#before = answer.before;
      this.atStart = !answer.more;
      this.lines = [...given, ...this.lines];
      if (this.lines.length > KEPT && !this.searching) {
        this.#after = this.lines[KEPT]?.place ?? this.#after;
        this.lines = this.lines.slice(0, KEPT);
        this.atEnd = false;
      }
    } else {
      this.#after = answer.after;
      this.atEnd = !answer.more;
      const whole = this.lines.at(-1)?.open ? this.lines.slice(0, -1) : this.lines;
      this.lines = [...whole, ...given];
      if (this.lines.length > KEPT && !this.searching) {
        this.lines = this.lines.slice(-KEPT);
        this.#before = this.lines[0]?.place ?? this.#before;
        this.atStart = false;
      }
    }
    return given.length;
  }
}

/** What is shown of a line: a line of megabytes would be laid out whole, and says how much of it is left out. */
function shown(line: string): string {
  if (line.length <= LONGEST) return line;
  return `${line.slice(0, LONGEST)} … and ${size(line.length - LONGEST)} more in this line`;
}

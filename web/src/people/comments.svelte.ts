/** What people said: all of it is asked once it is needed, and of what is said then, here or elsewhere, only that. */

import { get, post, type Schemas } from "../api";
import { live, wrote, type Changes } from "../live.svelte";
import { notices } from "../notices.svelte";
import { mine } from "./mine.svelte";

export type Comment = Schemas["Comment"];
export type Topic = Schemas["Topic"];

/** What a comment is written about: an experiment, a point of it, or a report. */
export type About =
  | { readonly experiment: string; readonly metric?: string; readonly step?: number | bigint }
  | { readonly report: string; readonly project?: string | null; readonly part?: string };

const KINDS = ["comment", "resolution"];
const MOST = 100; // comments that are asked one by one
const GATHERING = 50; // ms in which what is told is asked together
const LATER = 1000; // ms until the first look: the first chart goes before

class Comments {
  list = $state.raw<readonly Comment[]>([]);
  #asked = 0;
  #followed = 0;
  #told = new Set<string>();
  #end: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Those that name who looks, and are not settled; the newest first. */
  mentions = $derived(this.list.filter((one) => names(one, mine.user) && one.user !== mine.user && !one.resolved_at).reverse());

  /** Follow what is said; the answer ends it. */
  begin(): () => void {
    this.#followed += 1;
    // Who follows first listens for all.
    const first = setTimeout(() => this.#asked === 0 && void this.ask(), this.#followed > 1 ? 0 : LATER);
    if (this.#followed === 1) this.#end = live.listen((changes) => this.#heard(changes));
    return () => {
      clearTimeout(first);
      this.#followed -= 1;
      if (this.#followed > 0) return;
      this.#end?.();
      this.#asked = 0; // nobody hears what is said meanwhile
    };
  }

  #heard(changes: Changes): void {
    if (!wrote(changes, ...KINDS)) return;
    if (changes.everything || changes.any_document) {
      void this.ask();
      return;
    }
    for (const one of changes.documents ?? []) if (KINDS.includes(one.kind)) this.#told.add(one.name);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const ids = [...this.#told];
      this.#told.clear();
      void (ids.length > MOST || this.#asked === 0 ? this.ask() : this.#askOf(ids));
    }, GATHERING);
  }

  /** Ask for some of them again: those that do not come are gone. */
  async #askOf(ids: readonly string[]): Promise<void> {
    try {
      const found = await get("/api/v1/comments", { ids } as never);
      const others = this.list.filter((one) => !ids.includes(one.id));
      this.list = [...others, ...found].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
    } catch {
      // The connection's banner says what is wrong.
    }
  }

  async ask(): Promise<void> {
    this.#asked = Date.now();
    try {
      this.list = await get("/api/v1/comments");
    } catch {
      // The connection's banner says what is wrong.
    }
  }

  /** Those about an experiment and its points, or about a report. */
  about(of: About): readonly Comment[] {
    if ("report" in of) return this.list.filter((one) => one.about.kind === "report" && one.about.id === of.report && (one.about.project ?? null) === (of.project ?? null));
    return this.list.filter((one) => one.about.kind !== "report" && one.about.id === of.experiment && (of.metric === undefined || one.about.metric === of.metric));
  }

  /** Write one; whether that was done. */
  add(about: About, text: string, reply: string | null = null): Promise<boolean> {
    return this.#do(() => post("/api/v1/commands/comment/add", reply === null ? ({ ...about, text } as never) : { reply_to: reply, text }));
  }

  edit(one: Comment, text: string): Promise<boolean> {
    return this.#do(() => post("/api/v1/commands/comment/edit", { comment: one.id, text }));
  }

  async remove(one: Comment): Promise<void> {
    if (await this.#do(() => post("/api/v1/commands/comment/remove", { comment: one.id }))) notices.say("The comment is removed. The record keeps it.");
  }

  settle(one: Comment, done: boolean): Promise<boolean> {
    return this.#do(() => post(`/api/v1/commands/comment/${done ? "resolve" : "reopen"}`, { comment: one.id }));
  }

  async #do(call: () => Promise<unknown>): Promise<boolean> {
    let done: { readonly comment?: Comment; readonly removed?: Comment };
    try {
      done = (await call()) as typeof done;
    } catch (error) {
      notices.say((error as Error).message, { wrong: true });
      return false;
    }
    const one = done.comment ?? done.removed;
    await (one === undefined ? this.ask() : this.#askOf([one.id]));
    return true;
  }
}

function names(one: Comment, user: string): boolean {
  return user !== "" && (one.mentions ?? []).some((name) => name.toLowerCase() === user.toLowerCase());
}

export const comments = new Comments();

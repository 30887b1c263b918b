/** What people said: asked once it is needed, and again after something was said here or elsewhere. */

import { get, post, type Schemas } from "../api";
import { live } from "../live.svelte";
import { notices } from "../notices.svelte";
import { mine } from "./mine.svelte";

export type Comment = Schemas["Comment"];
export type Topic = Schemas["Topic"];

/** What a comment is written about: an experiment, a point of it, or a report. */
export type About =
  | { readonly experiment: string; readonly metric?: string; readonly step?: number | bigint }
  | { readonly report: string; readonly project?: string | null; readonly part?: string };

const AGAIN = 30_000; // ms at least between two looks after something has changed
const LATER = 1000; // ms until the first look: the first chart goes before

class Comments {
  list = $state.raw<readonly Comment[]>([]);
  #asked = 0;
  #followed = 0;

  /** Those that name who looks, and are not settled; the newest first. */
  mentions = $derived(this.list.filter((one) => names(one, mine.user) && one.user !== mine.user && !one.resolved_at).reverse());

  /** Follow what is said; the answer ends it. */
  begin(): () => void {
    this.#followed += 1;
    const first = setTimeout(() => Date.now() - this.#asked > AGAIN && void this.ask(), this.#followed > 1 ? 0 : LATER);
    const end = live.listen((changes) => {
      if (changes.everything || Date.now() - this.#asked > AGAIN) void this.ask();
    });
    return () => {
      clearTimeout(first);
      end();
      this.#followed -= 1;
    };
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
    try {
      await call();
    } catch (error) {
      notices.say((error as Error).message, { wrong: true });
      return false;
    }
    await this.ask();
    return true;
  }
}

function names(one: Comment, user: string): boolean {
  return user !== "" && (one.mentions ?? []).some((name) => name.toLowerCase() === user.toLowerCase());
}

export const comments = new Comments();

/** The saved views that there are, the one that is open, and saving them. */

import { get, post, Refused, type Schemas } from "../api";
import { link } from "../link.svelte";
import { notices } from "../notices.svelte";
import { mine } from "../people/mine.svelte";
import { USUAL, writeState } from "../state";
import { changeOf, isShown, showsOf } from "./saved";

type Saved = Schemas["SavedView"];
type Edit = NonNullable<Parameters<typeof post<"/api/v1/ask/append">>[1]>["edits"] extends (infer T)[] | undefined ? T : never;

type Place = Pick<Saved, "project" | "mine">;

const scopeOf = (one: Place) => (one.mine ? `user/${mine.user}` : one.project === null ? "root" : `project/${one.project}`);
/** What the link calls a view: that of a project has it before its name, and one of one's own `~`. */
export const keyOf = (one: Pick<Saved, "name" | "project" | "mine">) => (one.mine ? `~:${one.name}` : one.project === null ? one.name : `${one.project}:${one.name}`);
/** Whether a view is a filter and nothing else: opening it changes nothing else. */
export const isFilter = (one: { readonly shows: Readonly<Record<string, unknown>> }) => Object.keys(one.shows).join() === "filter";

class Views {
  list = $state.raw<readonly Saved[]>([]);
  /** What this page has seen of each view: what somebody else saved since is not replaced unasked. */
  #seen = new Map<string, string>();
  #asked = "";
  #begun = false;

  /** The view that was opened last, if it is still there. */
  open = $derived(this.list.find((one) => keyOf(one) === link.given.view));
  /** Whether the page shows something else than it. */
  changed = $derived(this.open !== undefined && !isShown(link.given, this.open.shows));

  /** Whether somebody else has saved the open view since it was opened here. */
  get passed(): boolean {
    const one = this.open;
    const seen = one && this.#seen.get(keyOf(one));
    return one !== undefined && seen !== undefined && seen !== one.event;
  }

  /** Ask which views there are for the project that is shown; the default one is opened where the link says nothing. */
  async ask(): Promise<void> {
    const { project } = link.given;
    this.#asked = project;
    try {
      const found = await get("/api/v1/views", { project });
      if (this.#asked !== project) return;
      this.list = found;
    } catch {
      return; // the connection's banner says what is wrong
    }
    for (const one of this.list) if (!this.#seen.has(keyOf(one))) this.#seen.set(keyOf(one), one.event);
    if (!this.#begun) this.#openDefault();
    this.#begun = true;
  }

  #openDefault(): void {
    if (link.route.page !== "experiments" || writeState({ ...link.given, project: "" }) !== "") return;
    const defaults = this.list.filter((one) => one.default);
    const nearest = defaults.sort((a, b) => Number(b.mine) - Number(a.mine) || (b.project ?? "").length - (a.project ?? "").length)[0];
    if (nearest) this.show(nearest, true);
  }

  /** Show a view. */
  show(one: Saved, quietly = false): void {
    this.#seen.set(keyOf(one), one.event);
    if (isFilter(one)) {
      link.set({ filter: String(one.shows.filter ?? "") }, quietly);
      return;
    }
    const { change, unknown } = changeOf(one.shows);
    link.set({ ...change, view: keyOf(one) }, quietly);
    if (unknown.length) notices.say(`The view ${one.name} has parts that this page cannot read: ${unknown.join(", ")}.`, { wrong: true });
  }

  /** Show what the page shows by itself, of the same project. */
  leave(): void {
    link.set({ ...USUAL, project: link.given.project });
  }

  /** Save what is shown in the place of the open view. */
  async replace(): Promise<void> {
    const one = this.open;
    if (one) await this.#save(one.name, one, [one.event, ...(one.others ?? []).map((other) => other.event)]);
  }

  /**
   * Save what is shown under a name that is not taken.
   *
   * @param withFilter Whether the filter belongs to the view.
   */
  save(name: string, place: Place, withFilter: boolean): Promise<boolean> {
    return this.#save(name, place, [], showsOf(withFilter ? link.given : { ...link.given, filter: "" }));
  }

  /** Save the filter alone under a name that is not taken. */
  saveFilter(name: string, place: Place): Promise<boolean> {
    return this.#save(name, place, [], { filter: link.given.filter });
  }

  async #save(name: string, place: Place, expect: readonly string[], shows: Readonly<Record<string, unknown>> = showsOf(link.given)): Promise<boolean> {
    const edit = { type: "document", kind: "view", name, body: shows, scope: scopeOf(place), after: [...expect] } as unknown as Edit;
    try {
      await post("/api/v1/ask/append", { edits: [edit], expect: [...expect] });
    } catch (error) {
      const taken = error instanceof Refused && error.status === 409;
      if (taken) await this.ask();
      const said = !taken ? (error as Error).message : expect.length ? `Somebody else has saved ${name} meanwhile: see what they saved, or save over it.` : `There is a view ${name} already.`;
      notices.say(said, { wrong: true });
      return false;
    }
    const key = keyOf({ ...place, name });
    this.#seen.delete(key);
    await this.ask();
    if (!isFilter({ shows })) link.set({ view: key }, true);
    notices.say(`The ${isFilter({ shows }) ? "filter" : "view"} ${name} is saved.`);
    return true;
  }

  /** Have the page of a view's project open on it, or no longer. */
  async setDefault(one: Saved, on: boolean): Promise<void> {
    await this.#append({ type: "document", kind: "default-view", name: "page", body: on ? { view: one.name } : null, scope: scopeOf(one), after: null });
  }

  /** Remove a view; undoing saves it again. */
  async remove(one: Saved): Promise<void> {
    const edit = (body: unknown) => ({ type: "document", kind: "view", name: one.name, body, scope: scopeOf(one), after: null });
    if (await this.#append(edit(null))) notices.say(`The view ${one.name} is removed.`, { undo: () => void this.#append(edit(one.shows)) });
  }

  async #append(edit: unknown): Promise<boolean> {
    try {
      await post("/api/v1/ask/append", { edits: [edit as Edit] });
    } catch (error) {
      notices.say((error as Error).message, { wrong: true });
      return false;
    }
    await this.ask();
    return true;
  }
}

export const views = new Views();

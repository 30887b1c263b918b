/** The link: where the page is and what it shows, with back and forward, undo and redo. */

import { pathOf, routeOf, type Route } from "./route";
import { readState, USUAL, writeState, type LinkState } from "./state";

/** Where the page begins: the document says so, see `server/static.py`. */
export const BASE = new URL(document.baseURI);

class Link {
  #state = $state.raw<LinkState>(USUAL);
  #route = $state.raw<Route>({ page: "experiments" });
  #undone = $state.raw<LinkState[]>([]);
  #done = $state.raw<LinkState[]>([]);
  #unwritten: { url: URL; quietly: boolean }[] = [];

  constructor() {
    this.#read();
    window.addEventListener("popstate", () => {
      this.#unwritten = [];
      this.#read();
    });
    // No frame comes while the page is not seen.
    document.addEventListener("visibilitychange", () => this.#write());
    window.addEventListener("pagehide", () => this.#write());
  }

  /** What the page groups by where the link leaves that to it: `usual.svelte.ts` says so. */
  usualGroup = $state.raw<readonly string[]>([]);

  /** Whether the link leaves it to the page what makes groups. */
  choosesGroups = $derived(this.#route.page === "experiments" && !this.#state.tab && !this.#state.each && !this.#state.group.length);

  #shown = $derived.by(() => {
    const state = this.choosesGroups && this.usualGroup.length ? { ...this.#state, group: this.usualGroup } : this.#state;
    // What is sampled of a machine has no steps of the training.
    return state.tab === "system" && state.x === USUAL.x ? { ...state, x: "relative" } : state;
  });

  /** What is shown: what the link says, and what the page chooses where it says nothing. */
  get state(): LinkState {
    return this.#shown;
  }

  /** What the link itself says. */
  get given(): LinkState {
    return this.#state;
  }

  get route(): Route {
    return this.#route;
  }

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /**
   * Show something else. Each change is an entry of the browser's history, and can be undone.
   *
   * @param change The fields that change.
   * @param quietly Changes the entry that is there: for what moves while it is dragged or typed.
   */
  set(change: Partial<LinkState>, quietly = false): void {
    const before = this.#state;
    const after = { ...before, ...change };
    if (writeState(after) === writeState(before)) return;
    if (!quietly) {
      this.#done = [...this.#done.slice(-99), before];
      this.#undone = [];
    }
    this.#put(after, quietly);
  }

  undo(): void {
    const before = this.#done.at(-1);
    if (before === undefined) return;
    this.#undone = [...this.#undone, this.#state];
    this.#done = this.#done.slice(0, -1);
    this.#put(before, false);
  }

  redo(): void {
    const after = this.#undone.at(-1);
    if (after === undefined) return;
    this.#done = [...this.#done, this.#state];
    this.#undone = this.#undone.slice(0, -1);
    this.#put(after, false);
  }

  /** The address of a page, for `href`. What is shown goes along, but for what belongs to one page alone. */
  to(route: Route, change: Partial<LinkState> = {}): string {
    const state = { ...this.#state, full: "", at: "", ids: [], ...change };
    return new URL(pathOf(route) + writeState(state), BASE).href;
  }

  /** Go to another page. */
  go(route: Route, change: Partial<LinkState> = {}): void {
    this.#write();
    history.pushState(null, "", this.to(route, change));
    this.#read();
  }

  /** Go to another page, in the place of this one. */
  replace(route: Route): void {
    this.#write();
    history.replaceState(null, "", this.to(route));
    this.#read();
  }

  /** Follow a link of this page without loading it again; for a click anywhere in the document. */
  follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const anchor = (event.target as Element | null)?.closest("a");
    if (!anchor || anchor.target || anchor.hasAttribute("download")) return;
    const url = new URL(anchor.href);
    if (url.origin !== BASE.origin || !url.pathname.startsWith(BASE.pathname)) return;
    if (url.pathname.startsWith(`${BASE.pathname}api/`)) return;
    event.preventDefault();
    this.#write();
    history.pushState(null, "", url);
    this.#read();
  }

  #put(state: LinkState, quietly: boolean): void {
    this.#state = state;
    this.#unwritten.push({ url: new URL(pathOf(this.#route) + writeState(state), BASE), quietly });
    if (document.hidden) this.#write();
    else if (this.#unwritten.length === 1) requestAnimationFrame(() => setTimeout(() => this.#write()));
  }

  /** Tell the browser what the link says: after the frame that shows it, because that takes a browser half a frame's time. */
  #write(): void {
    const unwritten = this.#unwritten;
    this.#unwritten = [];
    for (const [at, { url, quietly }] of unwritten.entries()) {
      if (!quietly) history.pushState(null, "", url);
      else if (!unwritten[at + 1]?.quietly) history.replaceState(null, "", url);
    }
  }

  #read(): void {
    this.#route = routeOf(location.pathname.slice(BASE.pathname.length));
    this.#state = readState(location.search);
  }
}

export const link = new Link();

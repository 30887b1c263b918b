/**
 * What belongs to who looks: preferences, starred experiments, when they looked last; and what is pinned for everybody. It is kept in the record, so
 * it is the same in another browser; this one remembers it as well, for the first moment.
 */

import { get, post, type Schemas } from "../api";
import { live, wrote } from "../live.svelte";
import { notices } from "../notices.svelte";
import { units } from "../numbers";
import { theme } from "../theme.svelte";
import { side } from "../workspace/side.svelte";
import { readPreferences, type Preferences } from "./preferences";

type Told = Schemas["Mine"];
type Change = Readonly<Record<string, unknown>>;

const LATER = 900; // ms until the first look: the first chart goes before
const AGAIN = 30_000; // ms at least between two looks after something has changed
const KEY = "anew:mine";

function remembered(): Change {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as unknown;
    return typeof found === "object" && found !== null ? (found as Change) : {};
  } catch {
    return {};
  }
}

class Mine {
  told = $state.raw<Told | null>(null);
  #kept = $state.raw<Change>(remembered());
  #asked = 0;
  #sending = 0;

  /** Who looks; "" for who can keep nothing, as through a link that shows a project. */
  user = $derived(this.told?.user ?? "");
  preferences = $derived<Preferences>(readPreferences(this.#kept));
  stars = $derived<ReadonlySet<string>>(new Set((this.told?.stars ?? []).map((one) => one.id)));
  pins = $derived<ReadonlySet<string>>(new Set((this.told?.pins ?? []).map((one) => one.id)));
  /** Changes with how numbers and times read. */
  style = $derived(`${this.preferences.times} ${this.preferences.sizes}`);

  constructor() {
    Object.assign(units, readPreferences(this.#kept));
  }

  /** Ask for it, and again when that may have changed. */
  begin(): void {
    theme.tell = (chosen) => void this.prefer({ theme: chosen });
    side.tell = (width) => void this.prefer({ side: width });
    setTimeout(() => void this.ask(), LATER);
    live.listen((changes) => {
      if (wrote(changes, "preferences", "star", "pin", "looked")) void this.ask();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && Date.now() - this.#asked > AGAIN) void this.ask();
    });
  }

  async ask(): Promise<void> {
    this.#asked = Date.now();
    try {
      this.#take(await get("/api/v1/mine"));
    } catch {
      // The connection's banner says what is wrong.
    }
  }

  #take(told: Told): void {
    this.told = told;
    // What is being sent is newer than what came.
    if (told.user !== "" && this.#sending === 0) this.#keep(told.preferences);
  }

  #keep(preferences: Change): void {
    this.#kept = preferences;
    const { theme: look, side: width, ...rest } = readPreferences(preferences);
    Object.assign(units, rest);
    theme.take(look);
    if (width !== null) side.take(width);
    try {
      localStorage.setItem(KEY, JSON.stringify(preferences));
    } catch {
      // It lasts as long as the page.
    }
  }

  /** Set preferences; null takes one back. */
  async prefer(change: Change): Promise<void> {
    const next = Object.fromEntries(Object.entries({ ...this.#kept, ...change }).filter(([, value]) => value !== null));
    if (this.told?.user === "") return; // what belongs to the browser alone is kept by who asks
    this.#keep(next);
    this.#sending += 1;
    try {
      await post("/api/v1/commands/preferences/set", { preferences: change as never });
    } catch (error) {
      notices.say((error as Error).message, { wrong: true });
    } finally {
      this.#sending -= 1;
    }
  }

  /** Star or pin an experiment, or no longer. */
  async mark(kind: "star" | "pin", id: string, on: boolean): Promise<void> {
    try {
      await post(`/api/v1/commands/${kind}`, { experiments: [id], remove: !on });
    } catch (error) {
      notices.say((error as Error).message, { wrong: true });
    }
    await this.ask();
  }

  /** Say that everything until a time was seen. */
  async seen(until: number): Promise<void> {
    try {
      await post("/api/v1/commands/news/seen", { until });
    } catch (error) {
      notices.say((error as Error).message, { wrong: true });
    }
    await this.ask();
  }
}

export const mine = new Mine();

/**
 * The colours in use, of charts, lists and tables alike. What somebody chose is kept in the record, for everybody who sees the store. Any other key
 * that has a colour keeps it, also when the page is opened again in this browser, unless it would look like another that is shown beside it.
 */

import { post, type Schemas } from "./api";
import { colourIn, coloursOf, slotOf, type Colour } from "./colours";
import { link } from "./link.svelte";
import { live } from "./live.svelte";

type Slots = Record<string, string>;
type Edit = NonNullable<Parameters<typeof post<"/api/v1/ask/append">>[1]>["edits"] extends (infer T)[] | undefined ? T : never;

const KEY = "anew-colours";
/** Of experiments and of groups, how many are remembered: those that were seen last. */
const MOST = 1000;
/** The kind of document that a chosen colour is; it is called as what it belongs to. */
const KIND = "colour";
const AGAIN = 30_000; // ms at least between two looks at what others chose

class Palette {
  // Groups have colours of their own: what thousands of experiments in the list have taken would leave them dashes alone.
  #experiments: Slots = {};
  #groups: Slots = {};
  /** What the record says that somebody chose. */
  #recorded = $state.raw<Readonly<Slots>>({});
  /** Colours that somebody chose: the record's, and over them those of the link. */
  chosen = $derived<Readonly<Slots>>(slotsOf([...Object.entries(this.#recorded), ...Object.entries(link.state.colours)]));
  /** Counts how often something that had a colour got another one. */
  #moved = $state(0);
  #parts = new Map<object, readonly string[]>();
  #keeping: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY) ?? "[]") as unknown;
      const [experiments, groups] = Array.isArray(found) ? (found as unknown[]) : [];
      this.#experiments = slotsOf(experiments);
      this.#groups = slotsOf(groups);
    } catch {
      // Nothing is remembered, or it may not be.
    }
    window.addEventListener("pagehide", () => {
      clearTimeout(this.#keeping);
      this.#remember();
    });
  }

  /** Ask what people chose, and again when that may have changed. */
  begin(): void {
    const again = () => {
      if (Date.now() - this.#asked > AGAIN) void this.ask();
    };
    live.listen((changes) => (changes.everything ? void this.ask() : again()));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.ask();
    });
    void this.ask();
  }

  async ask(): Promise<void> {
    this.#asked = Date.now();
    try {
      const found: Schemas["Documents"] = await post("/api/v1/ask/documents", { kind: KIND });
      const slots = slotsOf((found.documents ?? []).filter((one) => one.scope === "root").map((one) => [one.name, (one.body as { slot?: unknown } | null)?.slot]));
      if (JSON.stringify(slots) !== JSON.stringify(this.#recorded)) this.#recorded = slots;
    } catch {
      // The connection's banner says what is wrong.
    }
  }

  /** Keep in the record which colour a key has; null for the one that the page gives it. */
  async record(key: string, slot: number | null): Promise<void> {
    const body = slot === null ? null : { slot };
    await post("/api/v1/ask/append", { edits: [{ type: "document", kind: KIND, name: key, body, scope: "root", after: null } as unknown as Edit] });
    const { [key]: _, ...rest } = this.#recorded;
    this.#recorded = slot === null ? rest : { ...rest, [key]: String(slot) };
  }

  /**
   * Say what a part of the page shows at the moment: of all that is shown at once no two look the same while there are enough colours. To be called
   * in an effect, which the answer ends.
   */
  show(keys: readonly string[]): () => void {
    const part = {};
    this.#parts.set(part, keys);
    const all = [...new Set([...this.#parts.values()].flat())];
    this.see(all);
    const again = all.some((one) => this.of(one).dash.length > 0);
    queueMicrotask(() => (this.again = again));
    return () => {
      this.#parts.delete(part);
    };
  }

  /** Whether experiments or groups that are shown have dashes beside their colours. */
  again = $state(false);

  /** Give colours to what is shown together, so that no two are alike while there are enough; what has one keeps it. */
  see(keys: readonly string[]): void {
    let [news, moved] = [false, false];
    for (const slots of [this.#experiments, this.#groups]) {
      // In an order that does not depend on how a list is sorted, so that the same ones get the same colours wherever they are seen.
      const mine = keys.filter((one) => this.#of(one) === slots).sort();
      for (const [key, colour] of coloursOf(mine, slots, this.chosen)) {
        if (key in this.chosen || slots[key] === String(colour.slot)) continue;
        moved ||= key in slots;
        slots[key] = String(colour.slot);
        news = true;
      }
    }
    if (news) this.#keep();
    // Not at once: what is shown may be being made just now.
    if (moved) queueMicrotask(() => (this.#moved += 1));
  }

  /** Remember the colours once there is time for it, and before the page goes away. */
  #keep(): void {
    clearTimeout(this.#keeping);
    this.#keeping = setTimeout(() => this.#remember(), 500);
  }

  #remember(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify([this.#experiments, this.#groups].map((one) => Object.entries(one).slice(-MOST))));
    } catch {
      // It may not be remembered.
    }
  }

  has(key: string): boolean {
    return key in this.#of(key);
  }

  /** To be read by whoever asks for colours later than it is drawn: changes with them. */
  get looks(): unknown {
    return [this.chosen, this.#moved];
  }

  /** The colour of an experiment, a group or a value. */
  of(key: string): Colour {
    const chosen = slotOf(this.chosen[key]);
    if (chosen !== null) return colourIn(chosen);
    void this.#moved;
    const slots = this.#of(key);
    if (!(key in slots)) this.see([key]);
    return colourIn(Number(slots[key]));
  }

  /** Which slots are those of something that is shown now, but for one key: by slot, whether somebody chose it. */
  taken(but: string): ReadonlyMap<number, boolean> {
    const keys = [...new Set([...this.#parts.values()].flat())].filter((one) => one !== but && this.#of(one) === this.#of(but));
    return new Map(keys.map((one) => [this.of(one).slot, one in this.chosen]));
  }

  /** A group's key is a list of values. */
  #of(key: string): Slots {
    return key.startsWith("[") ? this.#groups : this.#experiments;
  }
}

function slotsOf(pairs: unknown): Slots {
  const found: Slots = Object.create(null) as Slots;
  for (const one of Array.isArray(pairs) ? (pairs as unknown[]) : []) {
    if (Array.isArray(one) && typeof one[0] === "string" && slotOf(one[1]) !== null) found[one[0]] = String(one[1]);
  }
  return found;
}

export const palette = new Palette();

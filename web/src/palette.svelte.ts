/**
 * The colours in use, of charts, lists and tables alike. A key that has one keeps it, also when the page is opened again in this browser: wherever
 * an experiment is seen first, it looks the same everywhere after that.
 */

import { colourIn, coloursOf, PLAIN, type Colour } from "./colours";
import { link } from "./link.svelte";

type Slots = Record<string, string>;

const KEY = "anew-colours";
/** Of experiments and of groups, how many are remembered: those that were seen last. */
const MOST = 1000;

class Palette {
  // Groups have colours of their own: what thousands of experiments in the list have taken would leave them dashes alone.
  #experiments: Slots = {};
  #groups: Slots = {};
  #chosen = $derived(link.state.colours);
  #keeping: ReturnType<typeof setTimeout> | undefined;

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

  /** Give colours to what is shown together, so that no two are alike while there are enough; what has one keeps it. */
  see(keys: readonly string[]): void {
    let news = false;
    for (const slots of [this.#experiments, this.#groups]) {
      // In an order that does not depend on how a list is sorted, so that the same ones get the same colours wherever they are seen.
      const mine = keys.filter((one) => this.#of(one) === slots).sort();
      for (const [key, colour] of coloursOf(mine, slots)) {
        if (slots[key] === String(colour.slot)) continue;
        slots[key] = String(colour.slot);
        news = true;
      }
    }
    if (news) this.#keep();
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

  /** The colour of an experiment, a group or a value. */
  of(key: string): Colour {
    const chosen = Number(this.#chosen[key] ?? Number.NaN);
    if (Number.isInteger(chosen)) return colourIn(chosen);
    const slots = this.#of(key);
    if (!(key in slots)) this.see([key]);
    return colourIn(Number(slots[key]));
  }

  /** The next colour that is free, to be chosen for a key. */
  after(key: string): string {
    const taken = new Set([...Object.values(this.#of(key)), ...Object.values(this.#chosen)].map(Number));
    const now = this.of(key).slot;
    let slot = (now + 1) % PLAIN;
    for (let tried = 0; tried < PLAIN && taken.has(slot); tried += 1) slot = (slot + 1) % PLAIN;
    return String(slot);
  }

  /** A group's key is a list of values. */
  #of(key: string): Slots {
    return key.startsWith("[") ? this.#groups : this.#experiments;
  }
}

function slotsOf(pairs: unknown): Slots {
  const found: Slots = Object.create(null) as Slots;
  for (const one of Array.isArray(pairs) ? (pairs as unknown[]) : []) {
    if (Array.isArray(one) && typeof one[0] === "string" && /^\d+$/u.test(String(one[1]))) found[one[0]] = String(one[1]);
  }
  return found;
}

export const palette = new Palette();

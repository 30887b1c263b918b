/**
 * The colour of an experiment, a group or a value: the same wherever it is shown, and no two alike while there are enough.
 *
 * The first eight are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which people with any kind of colour blindness tell
 * apart; twenty more follow. Where a colour comes again, its lines and its marks are dashed, in another way each time. Yellow is
 * darkened on paper, and black is white on a dark page, so that each stands out against both.
 */

export interface Colour {
  /** A number from 0 for a colour, and from the count of colours on for colours with a dash. */
  readonly slot: number;
  readonly light: string;
  readonly dark: string;
  /** Lengths of line and gap; empty for a whole line. */
  readonly dash: readonly number[];
}

const LIGHT = [
  "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#c38600", "#2f9bd6", "#9e9200", "#3a3f45",
  "#6a3d9a", "#b2182b", "#1b7837", "#8c510a", "#01665e", "#c51b7d", "#4d6fd0", "#7f7f2a",
  "#e0457b", "#5e8c31", "#9467bd", "#17808f", "#a6493c", "#596b8c", "#b5739d", "#3c8d5a",
  "#c26b2d", "#7a4fa3", "#6b7a00", "#8f5b77",
] as const;
const DARK = [
  "#3fa9f0", "#ff8a3d", "#2fd3a3", "#e79ac4", "#f0b429", "#7cc8f5", "#f0e442", "#c9cfd6",
  "#b48be0", "#ff6b75", "#63c274", "#d39a55", "#45b8ac", "#f57dbb", "#8ea6ff", "#bdbd5a",
  "#ff85ad", "#9bcf6a", "#c6a0ea", "#4fc3d6", "#e08a7d", "#9fb1d1", "#e0aecb", "#78c99a",
  "#f0a36b", "#b58fdc", "#b3c13c", "#cf9cb8",
] as const;
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [9, 3, 2, 3], [14, 4], [9, 2, 2, 2, 2, 2], [3, 6], [1, 4]];

/** How many colours there are before any comes again. */
export const PLAIN = LIGHT.length;
/** How many there are with dashes: more than the lines that are drawn one by one, see `MANY` of `charts/lines.ts`. */
export const SLOTS = PLAIN * DASHES.length;
/** A colour for what has none of its own. */
export const NEUTRAL: Colour = { slot: -1, light: "#8a929c", dark: "#7d8690", dash: [] };

/** The colour in a slot. */
export function colourIn(slot: number): Colour {
  const at = ((slot % SLOTS) + SLOTS) % SLOTS;
  return {
    slot: at,
    light: LIGHT[at % PLAIN] ?? NEUTRAL.light,
    dark: DARK[at % PLAIN] ?? NEUTRAL.dark,
    dash: DASHES[Math.floor(at / PLAIN)] ?? [],
  };
}

/** A number made from a text, always the same (FNV-1a). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}

/** Slots by id, a value or a group. */
export type Slots = Readonly<Record<string, string>>;

/**
 * The colours of what is shown together.
 *
 * A key keeps the slot that it has; only where two of those shown have the same does the one that was seen later get another. A key without one
 * gets the slot that its text gives, or the next that no other key has: first among the eight that are told apart best while no more are shown,
 * then among all colours. Where every slot is some key's, it gets one that none of those shown has.
 *
 * @param keys Ids or values that are shown together, in any order.
 * @param kept Slots by key, in the order in which the keys were first seen.
 * @param chosen Slots that people chose: these stay, and others make room for them.
 */
export function coloursOf(keys: readonly string[], kept: Slots = {}, chosen: Slots = {}): Map<string, Colour> {
  const shown = new Set(keys);
  const found = new Map<string, Colour>();
  const taken = new Set<number>();
  const used = new Set<number>();
  for (const key of shown) {
    const slot = slotOf(chosen[key]);
    if (slot === null) continue;
    taken.add(slot);
    used.add(slot);
    found.set(key, colourIn(slot));
  }
  for (const [key, text] of Object.entries(kept)) {
    const slot = slotOf(text);
    if (slot === null) continue;
    used.add(slot);
    if (!shown.has(key) || found.has(key) || (taken.has(slot) && taken.size < SLOTS)) continue;
    taken.add(slot);
    found.set(key, colourIn(slot));
  }
  const widths = shown.size <= 8 ? [8, PLAIN] : shown.size <= PLAIN ? [PLAIN] : [PLAIN, SLOTS];
  for (const key of shown) {
    if (found.has(key)) continue;
    const slot = freeOf(key, widths, used) ?? freeOf(key, [...widths, SLOTS], taken) ?? hashOf(key) % SLOTS;
    taken.add(slot);
    used.add(slot);
    found.set(key, colourIn(slot));
  }
  return found;
}

/** The slot that a text says; null for what says none. */
export function slotOf(text: unknown): number | null {
  const slot = /^\d{1,6}$/u.test(String(text)) ? Number(text) : SLOTS;
  return slot < SLOTS ? slot : null;
}

/** The first slot that is not taken, from the one on that a key's text gives, among so many and then among more. */
function freeOf(key: string, widths: readonly number[], taken: ReadonlySet<number>): number | null {
  for (const width of widths) {
    const first = hashOf(key) % width;
    for (let tried = 0; tried < width; tried += 1) {
      const slot = (first + tried) % width;
      if (!taken.has(slot)) return slot;
    }
  }
  return null;
}

/** How the pictures and videos of a page are looked at together. */

import { untrack } from "svelte";
import { coloursOf, NEUTRAL, type Colour } from "../colours";
import { Playback } from "./playback.svelte";
import { WHOLE, type View } from "./view";

export type Mode = "swipe" | "beside" | "difference";
const natural = new Intl.Collator("en", { numeric: true }).compare;

export class Looking {
  /** Which part of the pictures is seen. */
  view = $state.raw<View>(WHOLE);
  /** Whether each picture is shown with another one. */
  comparing = $state(false);
  mode = $state<Mode>("swipe");
  /** The experiment whose pictures are the other ones; "" for those of another step. */
  held = $state("");
  /** Of a swipe, how much of the width shows the other one. */
  share = $state(0.5);
  /** How many times brighter a difference is drawn than it is. */
  gain = $state(1);
  /** How strong masks are drawn. */
  strength = $state(0.5);
  /** Classes whose boxes and masks are not drawn. */
  hidden = $state.raw<ReadonlySet<string>>(new Set());
  #classes = $state.raw<readonly string[]>([]);
  #colours = $derived(coloursOf(this.#classes));
  readonly playback = new Playback();

  /** The classes that were marked in any picture that has been shown. */
  get classes(): readonly string[] {
    return this.#classes;
  }

  /** Say which classes are marked in a picture. */
  see(labels: Iterable<string>): void {
    const known = untrack(() => this.#classes);
    const all = new Set([...known, ...labels]);
    if (all.size > known.length) this.#classes = [...all].sort(natural);
  }

  /** The colour of a class, the same in all pictures. */
  colourOf(label: string): Colour {
    return this.#colours.get(label) ?? NEUTRAL;
  }

  /** Draw a class, or draw it no longer. */
  turn(label: string): void {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(label)) hidden.add(label);
    this.hidden = hidden;
  }
}

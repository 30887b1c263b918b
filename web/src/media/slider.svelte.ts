/** The one slider of all media of a page: its places are those that any of them has. */

import { placeAt, placesOf, type Place } from "./steps";
import type { Series } from "./values";

export class Slider {
  /** The place that was chosen; null for the last there is. */
  wanted = $state.raw<Place | null>(null);
  /** The place that pictures are held against, by its number. */
  against = $state(0);
  readonly #series: () => readonly Series[];

  constructor(series: () => readonly Series[]) {
    this.#series = series;
  }

  places = $derived.by(() => placesOf(this.#series()));
  at = $derived(placeAt(this.places, this.wanted));
  place = $derived<Place | null>(this.places[this.at] ?? null);
  other = $derived<Place | null>(this.places[Math.min(this.against, this.places.length - 1)] ?? null);

  go(at: number): void {
    this.wanted = this.places[at] ?? null;
  }
}

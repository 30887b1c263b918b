/** The experiments that a tab shows one by one: those that are selected, or else the first that are drawn. */

import { experiments, type Row } from "../experiments.svelte";
import { link } from "../link.svelte";
import { isShown } from "../state";

const LOOKED = 400; // rows of the list that are looked through for drawn ones

export class Chosen {
  /** At most so many are shown. */
  most = $state(0);
  #selected = $state.raw<readonly Row[]>([]);

  constructor(most: number) {
    this.most = most;
    $effect(() => {
      const ids = link.state.selected;
      void experiments.revision;
      if (!ids.length) return;
      let gone = false;
      experiments.rowsOf(ids).then(
        (rows) => {
          if (!gone) this.#selected = rows;
        },
        () => undefined, // the list says what is wrong
      );
      return () => {
        gone = true;
      };
    });
  }

  /** Whether somebody has selected them. */
  selected = $derived(link.state.selected.length > 0);
  #all = $derived.by(() => {
    if (this.selected) return this.#selected;
    const { eye } = link.state;
    return experiments.known().slice(0, LOOKED).filter((one) => isShown(eye, one.id));
  });
  rows = $derived<readonly Row[]>(this.#all.slice(0, this.most));
  /** How many there are to show. */
  total = $derived.by(() => {
    if (this.selected) return link.state.selected.length;
    const { all, except } = link.state.eye;
    return all ? Math.max(0, (experiments.total ?? 0) - except.length) : except.length;
  });
}

/** The experiments that a tab shows one by one: those that are selected, or else the first that are drawn and have what it shows. */

import { post } from "../api";
import { experiments, type Row } from "../experiments.svelte";
import { link } from "../link.svelte";
import { isShown } from "../state";

const LOOKED = 400; // rows of the list that are looked through for drawn ones
const AT_ONCE = 100; // experiments whose values are asked for in one question

export class Chosen {
  /** At most so many are shown. */
  most = $state(0);
  #selected = $state.raw<readonly Row[]>([]);
  #kind = "";

  /**
   * @param kind Only those that have logged values of this kind, or "any"; "" for all.
   */
  constructor(most: number, kind = "") {
    this.most = most;
    this.#kind = kind;
    $effect(() => {
      if (!kind || this.selected) return;
      const [filter, wanted, abort] = [experiments.filter, this.most, new AbortController()];
      void [link.state.sort, link.state.eye, experiments.telling];
      if (filter !== this.#of) this.#having = null;
      this.#of = filter;
      this.#look(wanted, abort.signal).catch(() => undefined); // the list says what is wrong
      return () => abort.abort();
    });
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

  /** Look through the list for those that have what is shown, until there are enough. */
  async #look(wanted: number, signal: AbortSignal): Promise<void> {
    const { eye } = link.state;
    const ids = (await experiments.ids(LOOKED, signal, "value_count > 0")).filter((id) => isShown(eye, id));
    const found: string[] = [];
    let at = 0;
    for (; at < ids.length && found.length <= wanted; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      if (this.#kind === "any") found.push(...some);
      else for (const one of await post("/api/v1/media", { ids: some, names: [], x: "step" }, signal)) if (one.series.some((each) => each.kind === this.#kind)) found.push(one.id);
    }
    const rows = await experiments.rowsOf(found);
    if (!signal.aborted) this.#having = rows;
  }

  #of = "";
  #having = $state.raw<readonly Row[] | null>(null);

  /** Whether it is not known yet which they are. */
  get waiting(): boolean {
    return this.#kind !== "" && !this.selected && this.#having === null;
  }

  /** Whether somebody has selected them. */
  selected = $derived(link.state.selected.length > 0);
  #all = $derived.by(() => {
    if (this.selected) return this.#selected;
    const { eye } = link.state;
    if (this.#kind) return (this.#having ?? []).filter((one) => isShown(eye, one.id));
    return experiments.known().slice(0, LOOKED).filter((one) => isShown(eye, one.id));
  });
  rows = $derived<readonly Row[]>(this.#all.slice(0, this.most));
  /** How many there are to show. */
  total = $derived.by(() => {
    if (this.selected) return link.state.selected.length;
    const { all, except } = link.state.eye;
    return all ? Math.max(0, (experiments.total ?? 0) - except.length) : except.length;
  });
  /** Whether further ones can be shown. */
  more = $derived(this.#all.length > this.most || (!this.#kind && this.rows.length < this.total));
}

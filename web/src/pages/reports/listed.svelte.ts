/** The experiments of a block that stand side by side, asked for again when they may have changed. */

import { get } from "../../api";
import type { Listed as Rows } from "../../analysis/subject";
import { rowsOf, type Row } from "../../experiments.svelte";
import { palette } from "../../palette.svelte";
import { plural, spaced } from "../../numbers";
import type { Block } from "./reports";

const FIELDS = ["name", "prefix"];

export class Listed implements Rows {
  rows = $state.raw<readonly Row[]>([]);
  total = $state(0);
  problem = $state("");
  waiting = $state(true);
  readonly selected = false;
  readonly more = false;
  most: number;

  /** To be made where effects may be. */
  constructor(block: Block, again: () => number) {
    this.most = block.limit ?? 1;
    $effect(() => {
      void again();
      const abort = new AbortController();
      void this.#ask(block, abort.signal);
      return () => abort.abort();
    });
    $effect(() => palette.show(this.rows.map((one) => one.id)));
  }

  async #ask(block: Block, signal: AbortSignal): Promise<void> {
    const which = block.ids ? { ids: block.ids } : { filter: block.filter ?? "", sort: block.sort ?? [] };
    try {
      const found = await get("/api/v1/experiments", { ...which, columns: FIELDS, limit: this.most, total: true } as never, { signal });
      this.rows = rowsOf(found, FIELDS);
      this.total = found.total ?? found.ids.length;
      this.problem = "";
    } catch (error) {
      if (signal.aborted) return;
      this.problem = (error as Error).message;
    }
    this.waiting = false;
  }

  /** Which of them are shown, where that is to be said. */
  get said(): string {
    if (this.waiting || this.problem) return this.problem;
    if (!this.rows.length) return "No experiment is meant.";
    return this.total > this.rows.length ? `The first ${spaced(this.rows.length)} of ${plural(this.total, "experiment")}.` : "";
  }
}

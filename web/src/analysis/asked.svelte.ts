/** Fields of all experiments that an analysis is about, kept as they were until newer ones are there. */

import { postForColumns } from "../api";
import { live } from "../live.svelte";
import type { Subject } from "./subject";
import { valuesOf, type Values } from "./values";

const AGAIN = 5000; // ms at least between two looks at what changes

export class Asked {
  values = $state.raw<Values | null>(null);
  problem = $state("");
  waiting = $state(true);
  #turn = $state(0);
  #at = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  /** Ask for fields, again and again while experiments change. To be made where effects may be. */
  constructor(subject: Subject, fields: () => readonly string[]) {
    // In the order in which they were taken in, whatever the list is sorted by: a new one does not move the places of the others.
    const question = $derived(JSON.stringify({ fields: fields(), filter: subject.filter, sort: [] }));
    $effect(() => {
      void this.#turn;
      const abort = new AbortController();
      void this.#ask(question, abort.signal);
      return () => abort.abort();
    });
    let seen = subject.revision;
    $effect(() => {
      const end = subject.still ? () => undefined : live.listen(() => this.#soon());
      return () => {
        end();
        clearTimeout(this.#later);
      };
    });
    $effect(() => {
      // What a block of a report shows, the block hears of.
      if (!subject.still || subject.revision === seen) return;
      seen = subject.revision;
      this.#soon();
    });
  }

  #soon(): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#turn += 1;
    }, Math.max(0, this.#at + AGAIN - Date.now()));
  }

  async #ask(question: string, signal: AbortSignal): Promise<void> {
    const asked = JSON.parse(question) as { fields: string[]; filter: string; sort: string[] };
    if (!asked.fields.length) return;
    this.#at = Date.now();
    this.waiting = true;
    try {
      const answer = await postForColumns("/api/v1/analysis/values", asked as never, signal, true);
      if (signal.aborted) return;
      this.values = valuesOf(answer as never);
      this.problem = "";
    } catch (error) {
      if (signal.aborted) return;
      this.problem = (error as Error).message;
    }
    this.waiting = false;
  }
}

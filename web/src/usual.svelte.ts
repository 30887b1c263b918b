/** What the page opens on: one experiment alone on its own page, very many in groups of what differs but for the seed. */

import { get } from "./api";
import { experiments } from "./experiments.svelte";
import { link } from "./link.svelte";
import { writeState } from "./state";
import { GROUPS, groupsToTry } from "./usual";

class Usual {
  #decided = $state("");
  #opened = false;

  #fields = $derived(groupsToTry(experiments.telling));
  #asks = $derived(link.choosesGroups && this.#fields.length > 0);
  #question = $derived(JSON.stringify([experiments.filter, this.#fields]));

  /** Whether it is still being found out what makes groups: what is drawn waits for that. */
  deciding = $derived(this.#asks && this.#decided !== this.#question);

  /** Follow the link and what there is. */
  begin(): void {
    $effect.root(() => {
      $effect(() => {
        if (!this.#asks) link.usualGroup = [];
        else if (this.#decided !== this.#question) void this.#decide(experiments.filter, this.#fields, this.#question);
      });
      $effect(() => this.#open());
    });
  }

  async #decide(filter: string, fields: readonly string[], question: string): Promise<void> {
    let groups = Infinity;
    try {
      const found = await get("/api/v1/experiments", { filter, group: [...fields], limit: GROUPS + 1 } as never);
      groups = found.total ?? Infinity;
    } catch {
      // Each is drawn by itself, and the list says what is wrong.
    }
    if (this.#question !== question) return;
    link.usualGroup = groups > 1 && groups <= GROUPS ? fields : [];
    this.#decided = question;
  }

  /** Once, when it is known what there is: the page of an experiment that is alone. */
  #open(): void {
    if (this.#opened || experiments.total === null) return;
    const only = experiments.total === 1 ? experiments.row(0) : undefined;
    if (experiments.total === 1 && only === undefined) return;
    this.#opened = true;
    if (only && link.route.page === "experiments" && writeState(link.given) === "") link.replace({ page: "experiment", id: only.id });
  }
}

export const usual = new Usual();

/** Which values of a kind the chosen experiments have logged, by name: asked for once, and again when an experiment changes. */

import { get } from "../api";
import { live } from "../live.svelte";
import type { Listed } from "./subject";

/** How many of a name an experiment has logged. */
export type Counts = ReadonlyMap<string, number>;

export class Logged {
  /** By experiment. */
  #found = $state.raw<ReadonlyMap<string, Counts>>(new Map());
  problem = $state("");
  /** Counts what changed, so that what was made of it is made again. */
  revision = $state(0);
  #asked = new Set<string>();
  #chosen: Listed;
  #kind: string;

  /** To be made where effects may be. */
  constructor(chosen: Listed, kind: string) {
    this.#chosen = chosen;
    this.#kind = kind;
    $effect(() => {
      for (const one of chosen.rows) if (!this.#asked.has(one.id)) void this.#ask(one.id);
    });
    $effect(() =>
      live.listen((changes) => {
        for (const id of this.#asked) if (changes.everything || changes.ids?.includes(id)) void this.#ask(id);
      }),
    );
  }

  async #ask(id: string): Promise<void> {
    this.#asked.add(id);
    try {
      const found = await get("/api/v1/experiments/{ref}/media", {}, { path: { ref: id } as never });
      const counts = new Map(found.filter((one) => one.kind === this.#kind).map((one) => [one.name, one.count]));
      if (JSON.stringify([...(this.#found.get(id) ?? [])]) !== JSON.stringify([...counts])) {
        this.#found = new Map([...this.#found, [id, counts]]);
        this.revision += 1;
      } else if (!this.#found.has(id)) this.#found = new Map([...this.#found, [id, counts]]);
      this.problem = "";
    } catch (error) {
      this.#asked.delete(id);
      this.problem = (error as Error).message;
    }
  }

  /** Whether something is still to be told. */
  get waiting(): boolean {
    return this.#chosen.rows.some((one) => !this.#found.has(one.id));
  }

  /** Every name that any of them has. */
  get names(): readonly string[] {
    const found = new Set(this.#chosen.rows.flatMap((one) => [...(this.#found.get(one.id)?.keys() ?? [])]));
    return [...found].sort(new Intl.Collator("en", { numeric: true }).compare);
  }

  /** How many of a name an experiment has. */
  count(id: string, name: string): number {
    return this.#found.get(id)?.get(name) ?? 0;
  }
}

/** What is known of one experiment, asked for again as it changes. */

import { get, post, Refused, type Schemas } from "../../api";
import { live } from "../../live.svelte";
import { notices } from "../../notices.svelte";

export type Overview = Schemas["Overview"];

export class OpenExperiment {
  told = $state.raw<Overview | null>(null);
  lineage = $state.raw<Schemas["Lineage"] | null>(null);
  problem = $state.raw<Error | null>(null);
  /** Whether it was deleted while it was open. */
  gone = $state(false);

  #ref: string;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(ref: string) {
    this.#ref = ref;
  }

  get id(): string {
    return this.told?.facts.id ?? this.#ref;
  }

  get running(): boolean {
    return this.told?.facts.status === "running";
  }

  /** Follow it; the answer ends that. */
  begin(): () => void {
    void this.ask();
    const end = live.listen((changes) => {
      if (changes.gone?.includes(this.id)) this.gone = true;
      else if (changes.everything || changes.ids?.includes(this.id)) this.#later();
    });
    return () => {
      end();
      if (this.#timer !== null) clearTimeout(this.#timer);
    };
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.ask();
    }, 1000);
  }

  async ask(): Promise<void> {
    try {
      const found = await get("/api/v1/experiments/{ref}/overview", undefined, { path: { ref: this.id } });
      const first = this.told === null;
      this.told = found;
      this.gone = false;
      this.problem = null;
      if (first || found.facts.status !== "running") void this.#askLineage();
    } catch (error) {
      if (this.told !== null && error instanceof Refused && error.status === 404) this.gone = true;
      else this.problem = error as Error;
    }
  }

  async #askLineage(): Promise<void> {
    try {
      this.lineage = await get("/api/v1/experiments/{ref}/lineage", undefined, { path: { ref: this.id } });
    } catch {
      // The page says what is wrong where it shows the facts.
    }
  }

  /** Write an edit; whether it was written. */
  async edit(edit: Record<string, unknown>): Promise<boolean> {
    try {
      await post("/api/v1/ask/append", { edits: [{ id: this.id, ...edit }] } as never);
      await this.ask();
      return true;
    } catch (error) {
      notices.say((error as Error).message, { wrong: true });
      return false;
    }
  }
}

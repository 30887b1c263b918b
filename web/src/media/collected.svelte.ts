/** The media of some experiments: names first, then all values of those names, asked for again when they change. */

import { untrack } from "svelte";
import { post } from "../api";
import { live } from "../live.svelte";
import { byKind, keyOf, type Series } from "./values";

const MOST = 200; // names whose values are asked for
const AGAIN = 1500; // ms at least between two looks at what changes

export class Collected {
  media = $state.raw<ReadonlyMap<string, readonly Series[]>>(new Map());
  problem = $state("");
  /** What the places of the media are that are there: another x is asked for while these are shown. */
  x = $state("step");
  #asked = new Set<string>();
  #changed = new Set<string>();
  #wanted = "";
  #at = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  /** To be made where effects may be. */
  constructor(ids: () => readonly string[], x: () => string) {
    const wanted = $derived(x());
    $effect(() => {
      const [now, every] = [wanted, ids()];
      untrack(() => {
        if (now !== this.#wanted) this.#asked.clear();
        this.#wanted = now;
        const missing = every.filter((id) => !this.#asked.has(id));
        if (missing.length) void this.#ask(missing);
      });
    });
    $effect(() => {
      const end = live.listen((changes) => {
        for (const id of this.#asked) if (changes.everything || changes.ids?.includes(id)) this.#changed.add(id);
        if (!this.#changed.size) return;
        this.#later ??= setTimeout(() => {
          this.#later = undefined;
          const ids = [...this.#changed];
          this.#changed.clear();
          void this.#ask(ids);
        }, Math.max(0, this.#at + AGAIN - Date.now()));
      });
      return () => {
        end();
        clearTimeout(this.#later);
      };
    });
  }

  /** Every name that any of some experiments has, once: pictures first. */
  names(ids: readonly string[]): readonly Series[] {
    const found = new Map<string, Series>();
    for (const id of ids) for (const one of this.media.get(id) ?? []) if (!found.has(keyOf(one))) found.set(keyOf(one), one);
    return [...found.values()].sort(byKind);
  }

  async #ask(ids: readonly string[]): Promise<void> {
    const x = this.#wanted;
    this.#at = Date.now();
    for (const id of ids) this.#asked.add(id);
    try {
      const found = await collect(ids, x);
      if (x !== this.#wanted) return;
      this.media = new Map([...(x === this.x ? this.media : []), ...found]);
      this.x = x;
      this.problem = "";
    } catch (error) {
      if (x !== this.#wanted) return;
      for (const id of ids) this.#asked.delete(id);
      this.problem = (error as Error).message;
    }
  }
}

async function collect(ids: readonly string[], x: string): Promise<ReadonlyMap<string, readonly Series[]>> {
  const asked = [...ids];
  const heads = await post("/api/v1/media", { ids: asked, names: [], x });
  const several = heads.flatMap((one) => one.series).filter((one) => one.count > 1).sort(byKind);
  const names = [...new Set(several.map((one) => one.name))].slice(0, MOST);
  const whole = names.length ? await post("/api/v1/media", { ids: asked, names, x }) : [];
  const all = new Map(whole.map((one) => [one.id, new Map(one.series.map((series) => [keyOf(series), series]))]));
  return new Map(heads.map((one) => [one.id, one.series.map((series) => all.get(one.id)?.get(keyOf(series)) ?? series)]));
}

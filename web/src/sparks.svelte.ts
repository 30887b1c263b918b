/** Small curves of the rows on the screen: the mean of every point in each of a few stretches. */

import { postForColumns } from "./api";
import { rowOf } from "./columns";
import { live } from "./live.svelte";

const BUCKETS = 32;
const KEPT = 2000;
const AGAIN = 2000;

class Sparks {
  revision = $state(0);
  #found = new Map<string, readonly number[] | null>();
  #wanted = new Set<string>();
  #metric = "";
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor() {
    live.listen((changes) => {
      if (changes.everything) this.#found.clear();
      for (const id of changes.ids ?? []) {
        if (this.#found.has(id)) this.#wanted.add(id); // the old curve stays until the new one is there
      }
      this.#soon(AGAIN);
    });
  }

  /** The curve of an experiment; undefined while it is fetched. To be asked for what is visible. */
  of(id: string, metric: string): readonly number[] | null | undefined {
    void this.revision;
    if (metric !== this.#metric) {
      this.#metric = metric;
      this.#found.clear();
      this.#wanted.clear();
    }
    const found = this.#found.get(id);
    if (found === undefined && !this.#found.has(id)) {
      this.#wanted.add(id);
      this.#soon(60);
    }
    return found;
  }

  #soon(wait: number): void {
    if (this.#wanted.size) this.#timer ??= setTimeout(() => void this.#fetch(), wait);
  }

  async #fetch(): Promise<void> {
    const ids = [...this.#wanted];
    const metric = this.#metric;
    this.#wanted.clear();
    this.#timer = null;
    try {
      const panel = await postForColumns("/api/v1/panel", { ids, metrics: [metric], buckets: BUCKETS, columns: ["mean"] } as never);
      if (metric !== this.#metric) return;
      for (const id of ids) this.#found.set(id, null);
      const series = panel.series as unknown as readonly { id: string }[];
      const mean = panel.buckets.mean as unknown as Parameters<typeof rowOf>[0];
      series.forEach((one, row) => this.#found.set(one.id, [...rowOf(mean, row)]));
      for (const id of [...this.#found.keys()].slice(0, Math.max(0, this.#found.size - KEPT))) this.#found.delete(id);
      this.revision += 1;
    } catch {
      // A table without its small curves is a table all the same.
    }
  }
}

export const sparks = new Sparks();

/** A curve as the path of an SVG of a width and a height; stretches without a finite value are left out. */
export function sparkPath(values: readonly number[], width: number, height: number): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return "";
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = "";
  let pen = "M";
  values.forEach((value, at) => {
    if (!Number.isFinite(value)) return; // a stretch without a point lies between two that are joined
    const y = high > low ? height - ((value - low) / (high - low)) * height : height / 2;
    path += `${pen}${(at * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  return finite.length === 1 ? `${path}h1` : path;
}

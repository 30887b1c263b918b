/** One axis of values for panels that stand beside each other to be compared, such as those of many devices. */

import { padded, type Range } from "./scale";

export class Alike {
  #ranges = $state.raw<ReadonlyMap<string, Range>>(new Map());

  /** From where to where the values of all of them lie; null before any is there. */
  range(log: boolean): Range | null {
    const every = [...this.#ranges.values()];
    if (!every.length) return null;
    return padded([Math.min(...every.map((one) => one[0])), Math.max(...every.map((one) => one[1]))], 0.04, log);
  }

  /** Take in where the values of a panel lie. */
  take(panel: string, range: Range | null): void {
    const known = this.#ranges.get(panel);
    if (known?.[0] === range?.[0] && known?.[1] === range?.[1]) return;
    const next = new Map(this.#ranges);
    if (range) next.set(panel, range);
    else next.delete(panel);
    this.#ranges = next;
  }
}

/** Two curves and the gap between them, as the server gives them: at every step, or at those where they are furthest apart. */

import { get, type Schemas } from "../api";
import { numeric, plural, short, type Value } from "../numbers";

export interface Pair {
  readonly steps: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly gap: readonly number[];
  /** How many points both have, and whether every one of them is given. */
  readonly matched: number;
  readonly exact: boolean;
}

export async function pairOf(ids: readonly [string, string], metric: string, points: number, signal?: AbortSignal): Promise<Pair> {
  const query = { ids: [...ids], metric, points };
  return asPair(await get("/api/v1/difference/gap", query as never, { signal }));
}

export function asPair(found: Schemas["Gaps"]): Pair {
  const numbers = (list: unknown) => (list as readonly Value[]).map((one) => Number(numeric(one) ?? Number.NaN));
  return {
    steps: numbers(found.steps),
    a: numbers(found.a),
    b: numbers(found.b),
    gap: numbers(found.gap),
    matched: Number(found.matched),
    exact: found.exact,
  };
}

/** The largest of some gaps in words; one that is no finite number is said, as it is larger than all others. */
export function largestGap(gaps: readonly number[]): string {
  const sizes = gaps.map(Math.abs).filter(Number.isFinite);
  const most = sizes.length ? `largest gap ${short(sizes.reduce((a, b) => Math.max(a, b)))}` : "";
  const others = gaps.length - sizes.length;
  return [most, others ? `${plural(others, "gap")} not finite` : ""].filter(Boolean).join(" · ");
}

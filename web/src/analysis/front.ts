/** The experiments that no other one beats in two fields at once: along time the best so far, of two results Pareto's front. Pure. */

import type { Axis } from "./axes";

/** Which ends of the two axes are the better ones, the one across first. */
export type Better = "low-low" | "low-high" | "high-low" | "high-high";
export const BETTER: readonly Better[] = ["low-low", "low-high", "high-low", "high-high"];

/**
 * The places of the experiments that no other one beats, from the better end of the axis across: each further one is better upwards.
 *
 * An experiment beats another one if it is better in one of both fields and not worse in the other, so that equal ones are there together.
 * Those that an axis cannot show take no part; where some are marked, the others do not either.
 */
export function frontOf(x: Axis, y: Axis, better: Better, chosen: Uint8Array | null): readonly number[] {
  if (x.column.labels || y.column.labels) return [];
  const [across, up] = better.split("-").map((end) => (end === "low" ? 1 : -1)) as [number, number];
  const [xs, ys] = [x.column.values, y.column.values];
  const shown = (axis: Axis, value: number) => value - value === 0 && (!axis.log || value > 0);
  const among: number[] = [];
  for (let at = 0; at < xs.length; at += 1) if ((!chosen || chosen[at]) && shown(x, xs[at] as number) && shown(y, ys[at] as number)) among.push(at);
  among.sort((a, b) => across * ((xs[a] as number) - (xs[b] as number)) || up * ((ys[a] as number) - (ys[b] as number)));
  const found: number[] = [];
  let last = -1;
  for (const at of among) {
    const equal = last >= 0 && xs[at] === xs[last] && ys[at] === ys[last];
    if (!equal && last >= 0 && up * ((ys[at] as number) - (ys[last] as number)) >= 0) continue;
    found.push(at);
    last = at;
  }
  return found;
}

/** The line below which, seen from the better ends, nobody has come: pixels, x and y by turns, as far as the plot reaches across. */
export function stairs(pixels: Float32Array, front: readonly number[], edge: number): Float32Array {
  const corners: number[] = [];
  for (const at of front) {
    const [x, y] = [pixels[2 * at] as number, pixels[2 * at + 1] as number];
    if (corners.length) corners.push(x, corners.at(-1) as number);
    corners.push(x, y);
  }
  if (corners.length) corners.push(edge, corners.at(-1) as number);
  return Float32Array.from(corners);
}

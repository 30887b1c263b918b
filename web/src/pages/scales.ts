/** Where values stand along an axis, and which of them are written beside it. Pure. */

/** Round numbers between two values, about so many. */
export function ticksOf(low: number, high: number, about: number): number[] {
  if (!Number.isFinite(low) || !Number.isFinite(high) || !(high > low)) return Number.isFinite(low) ? [low] : [];
  const rough = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, Math.min(50, last - first + 1)) }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** The smallest and the largest of the finite values; null where there is none. A single value gets room on both sides. */
export function extentOf(lists: readonly (readonly (number | null)[])[]): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const list of lists) {
    for (const value of list) {
      if (value === null || !Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return null;
  if (low === high) {
    const room = Math.abs(low) * 0.05 || 1;
    return [low - room, high + room];
  }
  return [low, high];
}

/** A line through points as the `d` of an SVG path; a value that is no finite number breaks it, and a lone point is a dot. */
export function pathOf(xs: readonly number[], ys: readonly (number | null)[], x: (value: number) => number, y: (value: number) => number): string {
  let path = "";
  let open = false;
  xs.forEach((at, index) => {
    const value = ys[index];
    if (value === null || value === undefined || !Number.isFinite(value)) {
      open = false;
      return;
    }
    const point = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    const next = ys[index + 1];
    const alone = !open && (next === null || next === undefined || !Number.isFinite(next));
    path += alone ? `M${point}h0.01` : `${open ? "L" : "M"}${point}`;
    open = true;
  });
  return path;
}

/** The place of the value nearest to `wanted` in a rising list. */
export function nearest(values: readonly number[], wanted: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  const before = values[low - 1];
  return before !== undefined && wanted - before < (values[low] as number) - wanted ? low - 1 : low;
}

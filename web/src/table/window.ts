/** Which rows and columns of a table are on the screen. Pure. */

export interface Span {
  /** The first that is shown, and the one after the last. */
  readonly first: number;
  readonly stop: number;
}

/** The rows of equal height that are visible, and some around them so that scrolling finds them there. */
export function visibleRows(scroll: number, height: number, row: number, count: number, around = 8): Span {
  const first = Math.max(0, Math.floor(scroll / row) - around);
  const stop = Math.min(count, Math.ceil((scroll + height) / row) + around);
  return { first: Math.min(first, Math.max(0, count - 1)), stop: Math.max(stop, 0) };
}

/** Where each column begins, and where the last one ends. */
export function starts(widths: readonly number[]): readonly number[] {
  const found = [0];
  for (const width of widths) found.push((found.at(-1) ?? 0) + width);
  return found;
}

/** The columns after the pinned ones that are visible beside these. */
export function visibleColumns(
  begin: readonly number[],
  pinned: number,
  scroll: number,
  width: number,
): Span {
  const count = begin.length - 1;
  const edge = begin[pinned] ?? 0;
  const low = scroll + edge;
  const high = scroll + width;
  let first = pinned;
  while (first < count && (begin[first + 1] ?? 0) <= low) first += 1;
  let stop = first;
  while (stop < count && (begin[stop] ?? 0) < high) stop += 1;
  return { first, stop };
}

/** Comments in threads. Pure. */

export interface Said {
  readonly id: string;
  readonly reply_to?: string | null;
}

export interface Thread<T extends Said> {
  readonly first: T;
  /** All that answer it, or its answers, in the order in which they were written. */
  readonly answers: readonly T[];
}

/** Each comment that answers none with those that follow from it; an answer to what is gone begins a thread. */
export function threadsOf<T extends Said>(comments: readonly T[]): Thread<T>[] {
  const first = new Map<string, string>();
  const found = new Map<string, { first: T; answers: T[] }>();
  for (const one of comments) {
    const begun = one.reply_to ? first.get(one.reply_to) : undefined;
    first.set(one.id, begun ?? one.id);
    if (begun === undefined) found.set(one.id, { first: one, answers: [] });
    else found.get(begun)?.answers.push(one);
  }
  return [...found.values()];
}

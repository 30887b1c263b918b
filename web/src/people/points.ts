/** Which points of curves people said something about. Pure. */

export interface OfPoint {
  readonly about: { readonly kind: string; readonly id: string; readonly metric?: string | null; readonly step?: number | null };
  readonly resolved_at?: number | null;
}

/** Comments about points of a metric that are not settled, by the experiment. */
export function byExperiment<T extends OfPoint>(comments: readonly T[], metric: string): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const one of comments) {
    const { about } = one;
    if (about.metric !== metric || about.step === null || about.step === undefined || one.resolved_at) continue;
    const before = found.get(about.id);
    if (before) before.push(one);
    else found.set(about.id, [one]);
  }
  return found;
}

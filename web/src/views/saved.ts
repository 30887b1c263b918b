/** What of the page's state a saved view holds, and a view as a state. Pure. */

import { asArranged, tellArranged } from "../charts/arranged";
import type { Section } from "../charts/sections";
import { FIELDS, USUAL, type FieldKind, type LinkState } from "../state";

type Name = keyof LinkState;

/** What a view does not hold: where somebody is, and what they have marked at the moment. */
const PASSING: ReadonlySet<Name> = new Set(["project", "view", "selected", "eye", "baseline", "apart", "range", "brush", "full", "ids", "at"] satisfies Name[]);
const KEPT = (Object.keys(FIELDS) as Name[]).filter((name) => !PASSING.has(name));

/** The name that a part of the state has in a view: `yLog` is `y_log`. */
const outside = (name: string) => name.replace(/[A-Z]/g, (one) => `_${one.toLowerCase()}`);

/** What a view of this state shows: whatever is not as usual. */
export function showsOf(state: LinkState): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of KEPT) {
    const kind = FIELDS[name] as FieldKind<unknown>;
    if (kind.write(state[name]) === kind.write(kind.usual) && (kind.usual !== null || state[name] === null)) continue;
    found[outside(name)] = name === "panels" && state.panels ? tellArranged(state.panels) : state[name];
  }
  return found;
}

/** The change of the state that shows a view, and the parts of the view that this page does not know or cannot read. */
export function changeOf(shows: Readonly<Record<string, unknown>>): { readonly change: Partial<LinkState>; readonly unknown: readonly string[] } {
  const change: Record<string, unknown> = {};
  const left = new Set(Object.keys(shows));
  for (const name of KEPT) {
    const kind = FIELDS[name] as FieldKind<unknown>;
    const value = outside(name) in shows ? kind.take(shows[outside(name)]) : kind.usual;
    if (value !== undefined) left.delete(outside(name));
    change[name] = value ?? kind.usual;
  }
  return { change: change as Partial<LinkState>, unknown: [...left].sort() };
}

/** Whether a state shows what a view does. */
export function isShown(state: LinkState, shows: Readonly<Record<string, unknown>>): boolean {
  const other = showsOf({ ...USUAL, ...changeOf(shows).change });
  return JSON.stringify(showsOf(state)) === JSON.stringify(other);
}

/** The arrangement to begin with: that of the state, or what the page shows by itself. */
export function firstArrangement(state: LinkState, sections: readonly Section[]) {
  return state.panels ?? asArranged(sections);
}

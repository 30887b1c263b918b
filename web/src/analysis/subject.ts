/** What an analysis is about: which experiments, by which fields, drawn how. In its tab the link says so, in a report a block does. */

import { getContext, setContext } from "svelte";
import type { Row } from "../experiments.svelte";
import type { LinkState } from "../state";

/** Which fields can be drawn, and which are where nobody has chosen any. */
export interface Fields {
  /** Settings that differ, the most telling first. */
  readonly settings: readonly string[];
  /** What experiments reached. */
  readonly results: readonly string[];
  /** Settings that tell repetitions apart. */
  readonly seeds: readonly string[];
  /** Settings but for these. */
  readonly telling: readonly string[];
  /** What is explained. */
  readonly result: string;
  /** What it is held against. */
  readonly setting: string;
  /** The axes beside each other. */
  readonly axes: readonly string[];
  /** All that can be chosen for an axis. */
  readonly all: readonly string[];
  /** What a field is called. */
  title(field: string): string;
}

/** The experiments that are shown one by one. */
export interface Listed {
  readonly rows: readonly Row[];
  /** How many there are to show. */
  readonly total: number;
  /** Whether somebody has selected them. */
  readonly selected: boolean;
  most: number;
  /** Whether further ones can be shown. */
  readonly more: boolean;
  /** Whether it is not known yet which they are. */
  readonly waiting: boolean;
}

export interface Subject {
  /** How it is drawn. */
  readonly state: LinkState;
  /** The condition that all of its experiments meet. */
  readonly filter: string;
  readonly fields: Fields;
  /** Whether it is only looked at: nothing of it can be changed there. */
  readonly still: boolean;
  /** Raised when its experiments may have changed, where that is not found out otherwise. */
  readonly revision: number;
  /** Show something else; see `Link.set`. */
  set(change: Partial<LinkState>, quietly?: boolean): void;
  /** The experiments that are shown one by one, at most so many at first, that have logged values of a kind. To be asked for where effects may be. */
  listed(most: number, kind: string): Listed;
  /** The colour of one of them. */
  shade(row: Row): string;
}

const KEY = Symbol("subject");

/** Say what the analysis below a component is about. */
export function putSubject(subject: Subject): void {
  setContext(KEY, subject);
}

/** What the analysis here is about. */
export function subjectHere(): Subject {
  return getContext<Subject>(KEY);
}

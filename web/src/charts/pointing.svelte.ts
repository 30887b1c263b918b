/** What is pointed at, shared by all panels: a place on x, and an experiment or group. */

class Pointing {
  /** The place, in the units of the x axis; null while nothing is pointed at. */
  x = $state<number | null>(null);
  /** The id of an experiment, or the key of a group. */
  key = $state<string | null>(null);
  /** The panel that is pointed at. */
  panel = $state<string | null>(null);
}

export const pointing = new Pointing();

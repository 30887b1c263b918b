/** Which dialogs about experiments are open: one at a time, from wherever they are asked for. */

import type { Row } from "../experiments.svelte";

class Open {
  /** Whose texts and tags are edited. */
  edit = $state.raw<readonly Row[] | null>(null);
  remove = $state.raw<readonly string[] | null>(null);
  trash = $state(false);
}

export const open = new Open();

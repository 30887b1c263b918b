/** How the pictures of a page are looked at together: which part of them, and what they are held against. */

import { WHOLE, type View } from "./view";

export type Mode = "swipe" | "beside" | "difference";

export class Looking {
  view = $state.raw<View>(WHOLE);
  /** Whether each picture is shown with the one of another step. */
  comparing = $state(false);
  mode = $state<Mode>("swipe");
  /** Of a swipe, how much of the width shows the other step. */
  share = $state(0.5);
}

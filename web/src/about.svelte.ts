/** What the server says of itself: where it is, who asks, whether anything may be changed. */

import { get, type Schemas } from "./api";
import { live } from "./live.svelte";

class About {
  told = $state.raw<Schemas["About"] | null>(null);

  /** Whether edits are taken. */
  writing = $derived(this.told?.writing ?? false);

  async begin(): Promise<void> {
    live.listen((changes) => {
      if (changes.everything) void this.#ask();
    });
    await this.#ask();
  }

  async #ask(): Promise<void> {
    try {
      this.told = await get("/api/v1/about");
    } catch {
      // The connection's banner says so.
    }
  }
}

export const about = new About();

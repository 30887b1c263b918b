/** What the server says of itself: where it is, who asks, whether anything may be changed. */

import { get, type Schemas } from "./api";
import { link } from "./link.svelte";
import { live } from "./live.svelte";
import { includes, roleIn } from "./roles";

class About {
  told = $state.raw<Schemas["About"] | null>(null);

  /** The project of what is looked at closely; null for what the link chooses. */
  within = $state<string | null>(null);
  /** The role of who looks, where they look. */
  role = $derived(this.told?.grants ? roleIn(this.told.grants, this.within ?? link.given.project) : (this.told?.role ?? "anyone"));
  /** Whether edits are taken there. */
  writing = $derived((this.told?.writing ?? false) && includes(this.role, "reporter"));
  maintaining = $derived(this.writing && includes(this.role, "maintainer"));

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

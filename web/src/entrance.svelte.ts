/** Coming in and going out: a link of one use, or one that shows a project, becomes a session that a cookie keeps. */

import { get, post, type Schemas } from "./api";
import { BASE } from "./link.svelte";
import { live } from "./live.svelte";

class EntranceOfServer {
  /** How somebody comes in here, and whether this browser is in; null until the server has said so. */
  told = $state.raw<Schemas["Entrance"] | null>(null);
  /** Why a link let nobody in. */
  problem = $state("");

  /** Exchange the secret that the address has after its `#`, if it has one, and take it out of the address. */
  async begin(): Promise<void> {
    const secret = /^#(?:link|share)=[^&]+$/.exec(location.hash)?.[0];
    if (secret === undefined) return;
    history.replaceState(history.state, "", location.pathname + location.search);
    await this.open(secret);
  }

  /** Come in with a link, given whole or as what stands after its `#`; whether it held. */
  async open(text: string): Promise<boolean> {
    const found = /(link|share)=([^&\s]+)/.exec(text);
    try {
      const secret = decodeURIComponent(found?.[2] ?? text.trim());
      if (found?.[1] === "share") await post("/api/v1/login/share", { share: secret });
      else await post("/api/v1/login/link", { link: secret });
    } catch (error) {
      this.problem = (error as Error).message;
      return false;
    }
    this.problem = "";
    live.known();
    return true;
  }

  /** Ask how somebody comes in; who is in already, from another tab or by the provider, goes on. */
  async ask(): Promise<void> {
    try {
      this.told = await get("/api/v1/login");
    } catch {
      return; // the connection's banner says so
    }
    if (this.told.user !== null) live.known();
  }

  /** End the session, and begin the page anew. */
  async leave(): Promise<void> {
    await post("/api/v1/logout", undefined);
    try {
      sessionStorage.clear(); // drafts are not for who comes in next
    } catch {
      // Nothing was kept.
    }
    location.assign(BASE.href);
  }
}

export const entrance = new EntranceOfServer();

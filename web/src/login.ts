/** Being let in: a link of one use has a secret after its `#`, which becomes a session that a cookie keeps. */

import { post } from "./api";

/** Exchange the link's secret, if the address has one, and take it out of the address. */
export async function enter(): Promise<void> {
  const found = /^#link=([^&]+)$/.exec(location.hash);
  if (found?.[1] === undefined) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    await post("/api/v1/login/link", { link: decodeURIComponent(found[1]) });
  } catch {
    // Whoever was let in before is still; everybody else is told that the server does not know them.
  }
}

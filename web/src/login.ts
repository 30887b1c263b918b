/** Being let in: a link of one use, or one that shows a project, has a secret after its `#`, which becomes a session that a cookie keeps. */

import { post } from "./api";

/** Exchange the link's secret, if the address has one, and take it out of the address. */
export async function enter(): Promise<void> {
  const found = /^#(link|share)=([^&]+)$/.exec(location.hash);
  if (found?.[1] === undefined || found[2] === undefined) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    const secret = decodeURIComponent(found[2]);
    if (found[1] === "link") await post("/api/v1/login/link", { link: secret });
    else await post("/api/v1/login/share", { share: secret });
  } catch {
    // Whoever was let in before is still; everybody else is told that the server does not know them.
  }
}

/** What is watched for, and what was found: asked now and then, as nobody waits for it. */

import { get, post, type Schemas } from "../api";
import { live } from "../live.svelte";
import { notices } from "../notices.svelte";
import { mine } from "../people/mine.svelte";

type Edit = NonNullable<Parameters<typeof post<"/api/v1/ask/append">>[1]>["edits"] extends (infer T)[] | undefined ? T : never;
export type Alert = Schemas["Alert"];

const AGAIN = 30_000; // ms at least between two looks after something has changed
const STALLED = 300_000; // and at most where nothing does: an alert may find that nothing does
const LATER = 1000; // ms until the first look: the first chart goes before
const SEEN = "anew-alerts-seen";

function remembered(): number {
  try {
    return Number(localStorage.getItem(SEEN) ?? "0");
  } catch {
    return 0;
  }
}

class Alerts {
  told = $state.raw<Schemas["AlertsAnswer"] | null>(null);
  #seen = $state(remembered());
  #asked = Date.now();

  /** How much was found since somebody looked, of the newest hundred. */
  news = $derived((this.told?.fired ?? []).filter((one) => one.time > Math.max(this.#seen, mine.preferences.alertsSeen)).length);

  /** Follow what is found; the answer ends it. */
  begin(): () => void {
    const first = setTimeout(() => void this.ask(), LATER);
    const end = live.listen((changes) => {
      if (changes.everything || Date.now() - this.#asked > AGAIN) void this.ask();
    });
    const timer = setInterval(() => {
      if (!document.hidden && this.told?.alerts.length) void this.ask();
    }, STALLED);
    return () => {
      end();
      clearTimeout(first);
      clearInterval(timer);
    };
  }

  async ask(): Promise<void> {
    this.#asked = Date.now();
    try {
      this.told = await get("/api/v1/alerts");
    } catch {
      // The connection's banner says what is wrong.
    }
  }

  /** Somebody has looked. */
  look(): void {
    const newest = Math.max(0, ...(this.told?.fired ?? []).map((one) => one.time));
    if (newest <= Math.max(this.#seen, mine.preferences.alertsSeen)) return;
    this.#seen = newest;
    void mine.prefer({ alerts_seen: newest });
    try {
      localStorage.setItem(SEEN, String(newest));
    } catch {
      // It may not be remembered.
    }
  }

  /**
   * Write an alert down, or remove it.
   *
   * @returns What is wrong with it; "" where it is written.
   */
  async write(one: Pick<Alert, "name" | "filter" | "when" | "to" | "project">, gone = false): Promise<string> {
    const body = gone ? null : { filter: one.filter, when: one.when, to: one.to };
    const scope = one.project === null || one.project === undefined ? "root" : `project/${one.project}`;
    try {
      await post("/api/v1/ask/append", { edits: [{ type: "document", kind: "alert", name: one.name, body, scope, after: null } as unknown as Edit] });
    } catch (error) {
      return (error as Error).message;
    }
    await this.ask();
    const undo = { undo: () => void this.write(one) };
    notices.say(gone ? `The alert ${one.name} is removed.` : `The alert ${one.name} is set.`, gone ? undo : {});
    return "";
  }
}

export const alerts = new Alerts();

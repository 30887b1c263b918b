/** What is watched for, and what was found: asked once, and again when something was found or set. */

import { get, post, type Schemas } from "../api";
import { live, wrote } from "../live.svelte";
import { notices } from "../notices.svelte";
import { mine } from "../people/mine.svelte";

type Edit = NonNullable<Parameters<typeof post<"/api/v1/ask/append">>[1]>["edits"] extends (infer T)[] | undefined ? T : never;
export type Alert = Schemas["Alert"];

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

  /** How much was found since somebody looked, of the newest hundred. */
  news = $derived((this.told?.fired ?? []).filter((one) => one.time > Math.max(this.#seen, mine.preferences.alertsSeen)).length);

  /** Follow what is found; the answer ends it. */
  begin(): () => void {
    const first = setTimeout(() => void this.ask(), LATER);
    const end = live.listen((changes) => {
      if (wrote(changes, "alert", "alerted")) void this.ask();
    });
    return () => {
      end();
      clearTimeout(first);
    };
  }

  async ask(): Promise<void> {
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

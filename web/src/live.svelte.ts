/**
 * What has changed, as it happens: one stream of cursors for all tabs of a browser, or questions every few seconds where a proxy
 * lets no stream through. Whoever listens asks for what it shows.
 */

import { address, gate, get, post, watchers, type Schemas } from "./api";

export type Changes = Schemas["Changes"];
type Listener = (changes: Changes) => void;

const PATIENCE = 6000; // ms until the first event of a stream must be there
const SEEN = 2000;
const UNSEEN = 30_000;
const RETRY = 2000;
/** What a tab tells the others when somebody has come in. */
const KNOWN = "known";

/** Whether documents of some kinds may have been written: comments, views, reports … */
export function wrote(changes: Changes, ...kinds: readonly string[]): boolean {
  return Boolean(changes.everything || changes.any_document || changes.documents?.some((one) => kinds.includes(one.kind)));
}

class Live {
  /** Whether the server answers. */
  connected = $state(true);
  /** Whether the server asks who this is: then nothing is asked for until somebody comes in. */
  unknown = $state(false);

  #listeners = new Set<Listener>();
  #cursor: string | null = null;
  #channel = new BroadcastChannel(`anew:${document.baseURI}`);
  #begun = false;
  #comeIn: (() => void) | null = null;
  #endStream: (() => void) | null = null;

  /** Call a function with each change from now on; the answer ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begin to follow. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    watchers.add((reached) => {
      const back = reached && !gate.closed && !this.connected;
      this.connected = reached;
      this.unknown = gate.closed;
      if (back) this.#everything();
    });
    this.#channel.onmessage = (event: MessageEvent<Changes | typeof KNOWN>) => {
      if (event.data === KNOWN) this.#admit();
      else this.#tell(event.data);
    };
    // A stream on which nothing happens does not end with the network it came by.
    addEventListener("offline", () => {
      this.#endStream?.();
      void this.#answers();
    });
    addEventListener("online", () => void this.#answers());
    // A browser keeps six connections to a server: one tab has the stream, and tells the others.
    if (navigator.locks === undefined) void this.#follow();
    else void navigator.locks.request(`anew:${document.baseURI}`, () => this.#follow());
  }

  /** Go on: somebody has come in, in this tab. */
  known(): void {
    this.#channel.postMessage(KNOWN);
    this.#admit();
  }

  #admit(): void {
    if (!gate.closed) return;
    gate.closed = false;
    this.unknown = false;
    this.#comeIn?.();
    this.#everything();
  }

  #everything(): void {
    this.#tell({ cursor: this.#cursor ?? "", ids: [], gone: [], everything: true, documents: [], any_document: true });
  }

  #tell(changes: Changes): void {
    this.#cursor = changes.cursor;
    for (const listener of this.#listeners) listener(changes);
  }

  #heard(changes: Changes): void {
    const news = changes.ids?.length || changes.gone?.length || changes.everything || changes.documents?.length || changes.any_document;
    this.#cursor = changes.cursor;
    if (!news) return;
    this.#channel.postMessage(changes);
    this.#tell(changes);
  }

  async #follow(): Promise<never> {
    let streams = true;
    for (;;) {
      if (gate.closed) await new Promise<void>((resolve) => (this.#comeIn = resolve));
      if (streams) {
        const worked = await this.#stream();
        if (!worked && (await this.#answers())) streams = false; // it answers, but lets no stream through
        else await pause(RETRY);
      } else {
        await pause(document.hidden ? UNSEEN : SEEN);
        await this.#poll();
      }
    }
  }

  /** Follow a stream until it ends; whether there was any event. */
  #stream(): Promise<boolean> {
    return new Promise((resolve) => {
      const since = this.#cursor;
      const source = new EventSource(address("/api/v1/events", undefined, since ? { since } : {}));
      let events = 0;
      const end = () => {
        clearTimeout(timer);
        source.close();
        this.#endStream = null;
        resolve(events > 0);
      };
      this.#endStream = end;
      const timer = setTimeout(() => events === 0 && end(), PATIENCE);
      source.addEventListener("changes", (event) => {
        events += 1;
        this.#reached();
        this.#heard(JSON.parse(event.data as string) as Changes);
      });
      source.onerror = () => {
        void this.#answers();
        end();
      };
    });
  }

  async #poll(): Promise<void> {
    try {
      const since = this.#cursor;
      const changes = await post("/api/v1/ask/changes", { since, wait: 0 });
      // What happened between the first look and this question, no cursor tells.
      this.#heard(since === null ? { ...changes, everything: true } : changes);
    } catch {
      // The state of the connection says so; the next question may be answered.
    }
  }

  #reached(): void {
    for (const tell of watchers) tell(true);
  }

  async #answers(): Promise<boolean> {
    try {
      await get("/api/v1/about");
      return true;
    } catch {
      return false;
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export const live = new Live();

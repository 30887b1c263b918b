/** What can be done here by a key or from the palette: each part of the page adds its own while it is there. */

import { untrack } from "svelte";

export interface Action {
  /** Keys as they are shown: "j", "Ctrl-K", "g c" for two after another; none for what only the palette has. */
  readonly keys: readonly string[];
  readonly title: string;
  /** Under which heading the list of keys has it. */
  readonly group: string;
  readonly run: () => void;
}

class Actions {
  #sets = $state.raw<readonly (readonly Action[])[]>([]);
  /** Those of a part that came later win. */
  all = $derived([...this.#sets].reverse().flat());

  /** Add actions; the answer takes them away. To be called in an effect. */
  add(actions: readonly Action[]): () => void {
    // Whoever adds does not depend on what others have added.
    this.#sets = [...untrack(() => this.#sets), actions];
    return () => {
      this.#sets = untrack(() => this.#sets).filter((one) => one !== actions);
    };
  }

  #before = "";
  #at = 0;

  /** Do what a key says, if it says anything where it was pressed. */
  pressed(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const target = event.target as HTMLElement | null;
    const typing = target?.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
    const name = keyName(event);
    if (typing && !name.startsWith("Ctrl-K")) return;
    if (document.querySelector("dialog[open]") !== null && name !== "Ctrl-K") return;
    if ((name === "Enter" || name === " ") && target?.closest("a, button") !== null) return;
    const two = event.timeStamp - this.#at < 1000 ? `${this.#before} ${name}` : "";
    const found = this.all.find((one) => one.keys.includes(two)) ?? this.all.find((one) => one.keys.includes(name));
    this.#before = name;
    this.#at = event.timeStamp;
    if (found === undefined) return;
    event.preventDefault();
    this.#before = "";
    found.run();
  }
}

/** A key as actions name it: "x", "Ctrl-K", "?". On a Mac, Cmd is what Ctrl is elsewhere. */
export function keyName(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey">): string {
  const held = event.ctrlKey || event.metaKey;
  if (!held) return event.key;
  return `Ctrl-${event.shiftKey ? "Shift-" : ""}${event.key.length === 1 ? event.key.toUpperCase() : event.key}`;
}

export const actions = new Actions();

/** What can be changed of experiments. Each change says what it did, and can be undone where the record keeps what was. */

import { get, post, type Schemas } from "../api";
import type { Row } from "../experiments.svelte";
import { notices } from "../notices.svelte";
import { plural, size } from "../numbers";

type Edit = NonNullable<Parameters<typeof post<"/api/v1/ask/append">>[1]>["edits"] extends (infer T)[] | undefined ? T : never;
export type Tags = Readonly<Record<string, string | null>>;
export type TextField = "name" | "description" | "notes";

/** The tag that takes an experiment out of the lists without deleting it. */
export const ARCHIVED = "archived";

async function append(edits: readonly Edit[]): Promise<Schemas["Appended"] | null> {
  try {
    return await post("/api/v1/ask/append", { edits: [...edits] });
  } catch (error) {
    notices.say((error as Error).message, { wrong: true });
    return null;
  }
}

export function tagsOf(row: Row): Tags {
  const tags = row.cells.get("tags");
  return tags !== null && typeof tags === "object" && !Array.isArray(tags) ? (tags as Tags) : {};
}

/** Set a text of experiments, each to what is made of its former one; these come back when that is undone. */
export async function setText(rows: readonly Row[], field: TextField, change: (before: string | null) => string | null): Promise<void> {
  const edits = rows.flatMap((row) => {
    const before = (row.cells.get(field) as string | null | undefined) ?? null;
    const after = change(before);
    return before === after || (field === "name" && !after) ? [] : [{ id: row.id, before, after }];
  });
  const edit = (id: string, value: string | null) => ({ type: "field", id, field, value }) as Edit;
  if (!edits.length || !(await append(edits.map((one) => edit(one.id, one.after))))) return;
  const whose = edits.length === 1 ? `The ${field} of ${String(rows.find((row) => row.id === edits[0]?.id)?.cells.get("name"))} is changed.` : `The ${field} of ${plural(edits.length, "experiment")} is changed.`;
  notices.say(whose, { undo: () => void append(edits.map((one) => edit(one.id, one.before))) });
}

/** A text with a paragraph more at its end. */
export function withMore(before: string | null, more: string): string {
  return before?.trim() ? `${before.trimEnd()}\n\n${more}` : more;
}

/** Add tags to experiments and remove some. */
export async function setTags(rows: readonly Row[], add: Tags, remove: readonly string[]): Promise<void> {
  if (!Object.keys(add).length && !remove.length) return;
  const edits = rows.map((row) => ({ type: "tags", id: row.id, add: { ...add }, remove: [...remove] }) as Edit);
  const undo = rows.map((row) => {
    const before = tagsOf(row);
    const touched = [...Object.keys(add), ...remove];
    const back = Object.fromEntries(touched.filter((name) => name in before).map((name) => [name, before[name] ?? null]));
    return { type: "tags", id: row.id, add: back, remove: touched.filter((name) => !(name in before)) } as Edit;
  });
  if (await append(edits)) {
    const what = ARCHIVED in add ? "archived" : remove.includes(ARCHIVED) ? "taken out of the archive" : "tagged anew";
    notices.say(`${plural(rows.length, "experiment")} ${what}.`, { undo: () => void append(undo) });
  }
}

/** The bytes that experiments take. */
export async function usageOf(ids: readonly string[]): Promise<number> {
  return (await post("/api/v1/usage", { ids: [...ids] })).total;
}

/** Put experiments in the trash; undoing takes them out of it. */
export async function remove(ids: readonly string[]): Promise<boolean> {
  const done = await append(ids.map((id) => ({ type: "deleted", id }) as Edit));
  if (done === null) return false;
  const bytes = done.done.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  notices.say(`${plural(ids.length, "experiment")} (${size(bytes)}) in the trash. The disk is freed by anew gc.`, { undo: () => void restore(ids) });
  return true;
}

/** Take experiments out of the trash. */
export async function restore(ids: readonly string[]): Promise<void> {
  if (await append(ids.map((id) => ({ type: "restored", id, prefix: null }) as Edit))) {
    notices.say(`${plural(ids.length, "experiment")} restored.`);
  }
}

/** Stop the programs that record experiments. */
export async function stop(ids: readonly string[]): Promise<void> {
  try {
    await post("/api/v1/stop", { ids: [...ids] });
    notices.say(`${plural(ids.length, "experiment")} told to stop.`);
  } catch (error) {
    notices.say((error as Error).message, { wrong: true });
  }
}

/** What is in the trash, the newest first. */
export function trash(): Promise<Schemas["Trashed"][]> {
  return get("/api/v1/trash");
}

/** Tags as they are typed: `baseline, team=ml`. */
export function readTags(text: string): Tags {
  const parts = text.split(",").map((one) => one.trim()).filter((one) => one !== "");
  return Object.fromEntries(
    parts.map((one) => {
      const at = one.indexOf("=");
      return at < 0 ? [one, null] : [one.slice(0, at).trim(), one.slice(at + 1).trim()];
    }),
  );
}

/** Tags as they are typed: the inverse of `readTags`. */
export function writeTags(tags: Tags): string {
  return Object.entries(tags).map(([name, value]) => (value === null ? name : `${name}=${value}`)).join(", ");
}

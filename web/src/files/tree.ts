/** Logged files as a tree of folders, each file with its versions. Pure. */

import type { Schemas } from "../api";

export type FileFact = Schemas["FileFact"];

export interface FileNode {
  /** The logical path: where it was logged, and its name. */
  readonly path: string;
  readonly label: string;
  readonly depth: number;
  /** The newest version; null for a folder. */
  readonly file: FileFact | null;
  /** All versions, the newest first. */
  readonly versions: readonly FileFact[];
  /** Files in a folder, and their bytes together; of a file its own. */
  readonly count: number;
  readonly bytes: number;
}

interface Folder {
  folders: Map<string, Folder>;
  files: Map<string, FileFact[]>;
}

/** The lines of the tree that are shown: below what is open, or what meets a search. */
export function fileTree(files: readonly FileFact[], options: { search?: string; closed?: ReadonlySet<string> } = {}): FileNode[] {
  const search = (options.search ?? "").toLowerCase();
  const root: Folder = { folders: new Map(), files: new Map() };
  for (const file of files) {
    const path = logicalPath(file);
    if (search && !path.toLowerCase().includes(search)) continue;
    const parts = path.split("/").filter(Boolean);
    const name = parts.pop() ?? path;
    let folder = root;
    for (const part of parts) {
      let next = folder.folders.get(part);
      if (next === undefined) folder.folders.set(part, (next = { folders: new Map(), files: new Map() }));
      folder = next;
    }
    folder.files.set(name, [...(folder.files.get(name) ?? []), file]);
  }
  const closed = search ? new Set<string>() : (options.closed ?? new Set<string>());
  return linesOf(root, "", 0, closed).lines;
}

export function logicalPath(file: FileFact): string {
  return [file.prefix, file.name].filter(Boolean).join("/");
}

function linesOf(folder: Folder, prefix: string, depth: number, closed: ReadonlySet<string>) {
  const lines: FileNode[] = [];
  let count = 0;
  let bytes = 0;
  for (const [label, inside] of sorted(folder.folders)) {
    const path = prefix + label;
    const below = linesOf(inside, `${path}/`, depth + 1, closed);
    lines.push({ path, label, depth, file: null, versions: [], count: below.count, bytes: below.bytes });
    if (!closed.has(path)) lines.push(...below.lines);
    count += below.count;
    bytes += below.bytes;
  }
  for (const [label, versions] of sorted(folder.files)) {
    const newest = [...versions].sort((a, b) => b.time - a.time);
    const file = newest[0] as FileFact;
    lines.push({ path: prefix + label, label, depth, file, versions: newest, count: 1, bytes: Number(file.size) });
    count += 1;
    bytes += Number(file.size);
  }
  return { lines, count, bytes };
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}

/** A patch of git as files, hunks and lines. Pure. */

export interface PatchLine {
  readonly kind: "same" | "added" | "removed" | "note";
  readonly text: string;
  /** The number of the line before and after the change; null where it is not there. */
  readonly before: number | null;
  readonly after: number | null;
}

export interface Hunk {
  /** What git wrote after the second `@@`: the function that it is in. */
  readonly where: string;
  readonly lines: readonly PatchLine[];
}

export interface PatchFile {
  readonly path: string;
  /** The path before the change, if that was another one. */
  readonly from: string | null;
  readonly kind: "changed" | "new" | "deleted" | "renamed" | "binary";
  readonly added: number;
  readonly removed: number;
  readonly hunks: readonly Hunk[];
}

/** The files of a patch, in its order. */
export function parsePatch(patch: string): PatchFile[] {
  const parts = patch.split(/^(?=diff --git )/m).filter((part) => part.startsWith("diff --git "));
  return parts.map(parseFile);
}

function parseFile(part: string): PatchFile {
  const lines = part.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const head = lines.slice(0, Math.max(1, lines.findIndex((line) => line.startsWith("@@")))); // all of it without hunks
  const until = lines.some((line) => line.startsWith("@@")) ? head : lines;
  const named = (mark: string) => until.find((line) => line.startsWith(mark))?.slice(mark.length);
  const before = side(named("--- "));
  const after = side(named("+++ "));
  const [first, second] = pathsOf(lines[0] ?? "");
  const renamed = named("rename to ");
  const path = renamed ?? after ?? before ?? second;
  let kind: PatchFile["kind"] = "changed";
  if (until.some((line) => line.startsWith("GIT binary patch") || line.startsWith("Binary files "))) kind = "binary";
  else if (named("new file mode") !== undefined) kind = "new";
  else if (named("deleted file mode") !== undefined) kind = "deleted";
  else if (renamed !== undefined) kind = "renamed";
  const hunks = kind === "binary" ? [] : parseHunks(lines);
  const count = (what: PatchLine["kind"]) =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line.kind === what).length, 0);
  const from = named("rename from ") ?? (first !== path && kind === "renamed" ? first : undefined) ?? null;
  return { path, from, kind, added: count("added"), removed: count("removed"), hunks };
}

function parseHunks(lines: readonly string[]): Hunk[] {
  const hunks: { where: string; lines: PatchLine[] }[] = [];
  let before = 0;
  let after = 0;
  for (const line of lines) {
    const head = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/.exec(line);
    const hunk = hunks.at(-1);
    if (head) {
      before = Number(head[1]);
      after = Number(head[2]);
      hunks.push({ where: head[3] ?? "", lines: [] });
    } else if (hunk === undefined) {
      continue;
    } else if (line.startsWith("+")) {
      hunk.lines.push({ kind: "added", text: line.slice(1), before: null, after: after++ });
    } else if (line.startsWith("-")) {
      hunk.lines.push({ kind: "removed", text: line.slice(1), before: before++, after: null });
    } else if (line.startsWith("\\")) {
      hunk.lines.push({ kind: "note", text: line.slice(2), before: null, after: null });
    } else {
      hunk.lines.push({ kind: "same", text: line.slice(1), before: before++, after: after++ });
    }
  }
  return hunks;
}

function side(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const path = unquoted(text.replace(/\t$/, ""));
  return path === "/dev/null" ? undefined : path.slice(2);
}

/** Both paths of the first line; without renames its halves are the same path. */
function pathsOf(line: string): [string, string] {
  const rest = line.slice("diff --git ".length);
  const quoted = /^("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|.+)$/.exec(rest);
  if (rest.startsWith('"') && quoted) return [unquoted(quoted[1] ?? "").slice(2), unquoted(quoted[2] ?? "").slice(2)];
  const half = (rest.length - 1) / 2;
  return [rest.slice(2, half), rest.slice(half + 3)];
}

/** A path as git quotes it: octal escapes are bytes of UTF-8. */
function unquoted(path: string): string {
  if (!path.startsWith('"') || !path.endsWith('"')) return path;
  const bytes: number[] = [];
  const names: Record<string, number> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11 };
  const encoder = new TextEncoder();
  for (const [, octal, named, plain] of path.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gsu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (named !== undefined && named in names) bytes.push(names[named] as number);
    else bytes.push(...encoder.encode(named ?? plain));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** What became of a text, word by word. Pure. */

export interface Piece {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

const MOST = 1500; // words of either text that are compared one by one

/** The pieces of two texts: what both have, what only the first has, what only the second has. */
export function changesOf(before: string, after: string): Piece[] {
  const a = before.split(/(\s+|,)/).filter(Boolean);
  const b = after.split(/(\s+|,)/).filter(Boolean);
  if (a.length > MOST || b.length > MOST) return [{ kind: "removed", text: before }, { kind: "added", text: `\n${after}` }];
  // The longest common subsequence, by the table of all lengths.
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? (lengths[(i + 1) * width + j + 1] as number) + 1
          : Math.max(lengths[(i + 1) * width + j] as number, lengths[i * width + j + 1] as number);
    }
  }
  const pieces: { kind: Piece["kind"]; text: string }[] = [];
  const put = (kind: Piece["kind"], text: string) => {
    const last = pieces.at(-1);
    if (last?.kind === kind) last.text += text;
    else pieces.push({ kind, text });
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      put("same", a[i] as string);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && (lengths[(i + 1) * width + j] as number) >= (lengths[i * width + j + 1] as number))) {
      put("removed", a[i++] as string);
    } else {
      put("added", b[j++] as string);
    }
  }
  return pieces;
}

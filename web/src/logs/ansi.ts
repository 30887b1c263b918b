/** What a terminal would show of a line: colours as spans, and what a carriage return wrote over is gone. Pure. */

export interface Span {
  readonly text: string;
  /** A colour of the palette (0 to 255), or one of its own as `#rrggbb`; null for the usual one. */
  readonly colour: number | string | null;
  readonly ground: number | string | null;
  readonly bold: boolean;
  readonly faint: boolean;
  readonly italic: boolean;
  readonly underlined: boolean;
}

type Look = Omit<Span, "text">;
interface Cell {
  readonly character: string;
  readonly look: Look;
}

const PLAIN: Look = { colour: null, ground: null, bold: false, faint: false, italic: false, underlined: false };
const LONGEST = 20_000; // characters of a line that are looked at one by one
// Sequences that begin with ESC: "[" and parameters, "]" up to its end (a title, a link), or two characters.
const SEQUENCE = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/y;

/** Whether a line has anything that a terminal would not show as it is. */
export function isPlain(line: string): boolean {
  return !/[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]/.test(line);
}

/** A line as a terminal would show it. */
export function spansOf(line: string): readonly Span[] {
  if (isPlain(line)) return line === "" ? [] : [{ text: line, ...PLAIN }];
  if (line.length > LONGEST) line = folded(line).slice(0, LONGEST);
  const cells: Cell[] = [];
  let look = PLAIN;
  let column = 0;
  for (let at = 0; at < line.length; ) {
    const character = String.fromCodePoint(line.codePointAt(at) as number);
    if (character === "\x1b") {
      SEQUENCE.lastIndex = at;
      const found = SEQUENCE.exec(line);
      at = found ? SEQUENCE.lastIndex : at + 1;
      if (found?.[2] === "m") look = styled(look, found[1] ?? "");
      else if (found?.[2] === "K") erase(cells, column, found[1] ?? "");
      else if (found?.[2] === "G") column = Math.max(0, Number(found[1] || 1) - 1);
      else if (found?.[2] === "D") column = Math.max(0, column - Number(found[1] || 1));
      else if (found?.[2] === "C") column = Math.min(LONGEST, column + Number(found[1] || 1));
      continue;
    }
    at += character.length;
    if (character === "\r") column = 0;
    else if (character === "\b") column = Math.max(0, column - 1);
    else if (character === "\t" || character >= " ") {
      if (character >= "\x7f" && character <= "\x9f") continue;
      while (cells.length < column) cells.push({ character: " ", look: PLAIN });
      cells[column] = { character, look };
      column += 1;
    }
  }
  return joined(cells);
}

/** The text that a terminal would show of a line, without its colours. */
export function textOf(line: string): string {
  return isPlain(line) ? line : spansOf(line).map((span) => span.text).join("");
}

/** What stands after the last carriage return that anything follows: all that is left of a long line of progress. */
function folded(line: string): string {
  const end = line.replace(/\r+$/, "");
  return end.slice(end.lastIndexOf("\r") + 1);
}

function erase(cells: Cell[], column: number, how: string): void {
  if (how === "" || how === "0") cells.length = Math.min(cells.length, column);
  else if (how === "2") cells.length = 0;
  else if (how === "1") cells.fill({ character: " ", look: PLAIN }, 0, Math.min(cells.length, column + 1));
}

function styled(look: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map((one) => (one === "" ? 0 : Number(one)));
  let now = look;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] as number;
    if (code === 0) now = PLAIN;
    else if (code === 1) now = { ...now, bold: true };
    else if (code === 2) now = { ...now, faint: true };
    else if (code === 3) now = { ...now, italic: true };
    else if (code === 4) now = { ...now, underlined: true };
    else if (code === 22) now = { ...now, bold: false, faint: false };
    else if (code === 23) now = { ...now, italic: false };
    else if (code === 24) now = { ...now, underlined: false };
    else if (code === 7) now = { ...now, colour: now.ground, ground: now.colour };
    else if (code >= 30 && code <= 37) now = { ...now, colour: code - 30 };
    else if (code >= 90 && code <= 97) now = { ...now, colour: code - 82 };
    else if (code >= 40 && code <= 47) now = { ...now, ground: code - 40 };
    else if (code >= 100 && code <= 107) now = { ...now, ground: code - 92 };
    else if (code === 39) now = { ...now, colour: null };
    else if (code === 49) now = { ...now, ground: null };
    else if (code === 38 || code === 48) {
      const wide = codes[at + 1] === 2;
      const colour = wide ? hex(codes.slice(at + 2, at + 5)) : (codes[at + 2] ?? 0) & 255;
      now = code === 38 ? { ...now, colour } : { ...now, ground: colour };
      at += wide ? 4 : 2;
    }
  }
  return now;
}

function hex(parts: readonly number[]): string {
  return `#${[0, 1, 2].map((at) => ((parts[at] ?? 0) & 255).toString(16).padStart(2, "0")).join("")}`;
}

function joined(cells: readonly Cell[]): Span[] {
  const spans: Span[] = [];
  let text = "";
  cells.forEach((cell, at) => {
    text += cell.character;
    if (cells[at + 1]?.look !== cell.look) {
      spans.push({ text, ...cell.look });
      text = "";
    }
  });
  return spans;
}

/** A colour of the palette beyond the first sixteen, which the theme gives. */
export function paletteColour(number: number): string {
  if (number >= 232) return hex(Array(3).fill(8 + (number - 232) * 10) as number[]);
  const cube = number - 16;
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  return hex([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

/** What can be written next in a filter: names of fields, operators, values. Pure; who asks fetches names and values. */

import { quoted } from "../state";

export interface Place {
  readonly kind: "field" | "operator" | "value";
  /** What the completion takes the place of. */
  readonly from: number;
  readonly to: number;
  /** What was typed of it, without a quote before it. */
  readonly typed: string;
  /** The field whose value it is. */
  readonly field: string | null;
}

interface Token {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly kind: "word" | "string" | "operator" | "punctuation";
  /** Whether the text ends before the token does. */
  readonly open: boolean;
}

const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">=", "=~", "!~", "in", "contains"]);
const JOINING = new Set(["and", "or", "not"]);
const TOKEN = /\s*(?:(?<string>(?:'(?:[^'\\]|\\.)*(?:'|$))|(?:"(?:[^"\\]|\\.)*(?:"|$)))|(?<operator>==|!=|<=|>=|=~|!~|<|>)|(?<word>(?:[\p{L}\p{N}_./:@%+-]|`[^`]*`?|\[\s*(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)\s*\]?)+)|(?<punctuation>\S))/gsuy;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const match = TOKEN.exec(text);
    if (match === null || match[0] === "") return found;
    const groups = match.groups ?? {};
    const kind = (["string", "operator", "word", "punctuation"] as const).find((one) => groups[one] !== undefined);
    if (kind === undefined) return found;
    const one = groups[kind] ?? "";
    const to = TOKEN.lastIndex;
    const open = kind === "string" && (one.length < 2 || !one.endsWith(one.charAt(0)) || /\\$/.test(one.slice(0, -1)));
    found.push({ text: one, from: to - one.length, to, kind, open });
  }
}

/** Where the caret stands in a filter, and what belongs there; null inside of what is done. */
export function placeAt(text: string, caret: number): Place {
  const before = tokens(text.slice(0, caret));
  const last = before.at(-1);
  const touching = last !== undefined && last.to === caret && (last.kind === "word" || last.open);
  const done = touching ? before.slice(0, -1) : before;
  const from = touching ? last.from : caret;
  const rest = /^[\p{L}\p{N}_./:@%+-]*/u.exec(text.slice(caret))?.[0] ?? "";
  const to = touching && last.kind === "word" ? caret + rest.length : caret;
  const typed = touching ? (last.kind === "string" ? last.text.slice(1) : last.text) : "";
  const previous = done.at(-1);
  const compared = comparedAt(done);
  if (compared !== null) return { kind: "value", from, to, typed, field: compared };
  const ends = previous !== undefined && (previous.kind === "string" || previous.text === ")" || (previous.kind === "word" && !JOINING.has(previous.text.toLowerCase())));
  return { kind: ends ? "operator" : "field", from, to, typed, field: null };
}

/** The field that is compared at the end of some tokens; in a list of values too. */
function comparedAt(done: readonly Token[]): string | null {
  let at = done.length - 1;
  while (at >= 0 && (done[at]?.text === "," || done[at]?.kind === "string")) at -= 1;
  if (at < done.length - 1 && done[at]?.text !== "(") return null;
  if (done[at]?.text === "(" && done[at - 1]?.text.toLowerCase() === "in") at -= 1;
  if (!COMPARISONS.has(done[at]?.text.toLowerCase() ?? "")) return null;
  at -= 1;
  if (done[at]?.text.toLowerCase() === "not") at -= 1;
  const field = done[at];
  return field?.kind === "word" ? field.text : null;
}

/** A text with a completion in its place, and where the caret is then. */
export function completed(text: string, place: Place, insert: string): { readonly text: string; readonly caret: number } {
  const space = place.kind === "field" || place.kind === "operator" || place.kind === "value" ? " " : "";
  const tail = text.slice(place.to).replace(/^\s/, "");
  return { text: text.slice(0, place.from) + insert + space + tail, caret: place.from + insert.length + space.length };
}

/** A value as it is written in a filter. */
export function literal(value: string | number | boolean | null): string {
  return typeof value === "string" ? quoted(value) : String(value);
}

export const OPERATORS: readonly { readonly text: string; readonly meaning: string }[] = [
  { text: "==", meaning: "is" },
  { text: "!=", meaning: "is another" },
  { text: "<", meaning: "below" },
  { text: "<=", meaning: "at most" },
  { text: ">", meaning: "above" },
  { text: ">=", meaning: "at least" },
  { text: "=~", meaning: "matches a regular expression" },
  { text: "in (", meaning: "is one of a list" },
  { text: "contains", meaning: "holds a text or a tag" },
  { text: "exists", meaning: "is there" },
  { text: "and", meaning: "both" },
  { text: "or", meaning: "either" },
];

/** The conditions that a filter joins with `and`; one alone where it is joined otherwise. */
export function conditions(text: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let begin = 0;
  for (const token of tokens(text)) {
    if (token.open) return [text.trim()];
    const word = token.kind === "word" ? token.text.toLowerCase() : token.text;
    if (token.kind === "punctuation" && (word === "(" || word === "[")) depth += 1;
    else if (token.kind === "punctuation" && (word === ")" || word === "]")) depth -= 1;
    else if (depth === 0 && word === "or") return [text.trim()];
    else if (depth === 0 && word === "and") {
      found.push(text.slice(begin, token.from).trim());
      begin = token.to;
    }
  }
  found.push(text.slice(begin).trim());
  return found.filter((one) => one !== "");
}

/** A filter with a condition more; what is joined by `or` is kept together. */
export function withCondition(text: string, condition: string): string {
  if (!text.trim()) return condition;
  const whole = conditions(text).length === 1 && /(^|\s)or(\s|$)/i.test(text) ? `(${text.trim()})` : text.trim();
  return `${whole} and ${condition}`;
}

/** Recorded values as they are read: nested mappings with tagged floats, as `record/plain.py` writes them. Pure. */

import { shown, type Value } from "../numbers";

export type Plain = Value | readonly Plain[] | { readonly [key: string]: Plain };

/** One value of a nested mapping, by its dotted name. */
export interface Leaf {
  readonly name: string;
  readonly value: Plain;
}

/** One line of a tree: a value, or a mapping that can be opened. */
export interface Branch {
  /** The dotted name, which is unique. */
  readonly name: string;
  /** The last part of it. */
  readonly label: string;
  readonly depth: number;
  /** The value; undefined for a mapping. */
  readonly value: Plain | undefined;
  /** How many values are below a mapping. */
  readonly inside: number;
}

function isMapping(value: Plain): value is { readonly [key: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isTagged(value);
}

function isTagged(value: object): value is { $float: string } {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === "$float" && typeof (value as { $float: unknown }).$float === "string";
}

/** All values of a nested mapping in its order; an empty mapping is a value. */
export function leaves(nested: Plain, prefix = ""): Leaf[] {
  if (!isMapping(nested)) return [];
  return Object.entries(nested).flatMap(([key, value]) => {
    const name = prefix + key;
    return isMapping(value) && Object.keys(value).length ? leaves(value, `${name}.`) : [{ name, value }];
  });
}

/** A value on one line: texts as they are, lists and mappings as JSON, floats that JSON has none for by name. */
export function asText(value: Plain): string {
  if (value === null || value === undefined) return "none";
  if (typeof value !== "object") return shown(value);
  if (isTagged(value)) return floatName(value.$float);
  if (Array.isArray(value)) return `[${value.map(inside).join(", ")}]`;
  return `{${Object.entries(value).map(([key, one]) => `${key}: ${inside(one)}`).join(", ")}}`;
}

function inside(value: Plain): string {
  return typeof value === "string" ? JSON.stringify(value) : asText(value);
}

function floatName(name: string): string {
  return name === "Infinity" ? "inf" : name === "-Infinity" ? "-inf" : "NaN";
}

/** The lines of a tree that are shown: those that match a search, with what they lie in, and below what is open. */
export function branches(nested: Plain, options: { search?: string; closed?: ReadonlySet<string> } = {}): Branch[] {
  const words = (options.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const lines: Branch[] = [];
  const visit = (node: { readonly [key: string]: Plain }, prefix: string, depth: number): number => {
    let count = 0;
    for (const [key, value] of Object.entries(node)) {
      const name = prefix + key;
      if (isMapping(value) && Object.keys(value).length) {
        const at = lines.length;
        const found = visit(value, `${name}.`, depth + 1);
        if (found === 0) continue;
        count += found;
        if (!words.length && options.closed?.has(name)) lines.length = at;
        lines.splice(at, 0, { name, label: key, depth, value: undefined, inside: found });
      } else {
        const text = `${name} ${asText(value)}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
        count += 1;
        lines.push({ name, label: key, depth, value, inside: 0 });
      }
    }
    return count;
  };
  if (isMapping(nested)) visit(nested, "", 0);
  return lines;
}

/** The values of a mapping that another one does not have, or has otherwise, with the other's. */
export function differing(nested: Plain, other: Plain): { name: string; value: Plain; other: Plain }[] {
  const theirs = new Map(leaves(other).map((leaf) => [leaf.name, leaf.value]));
  const ours = new Map(leaves(nested).map((leaf) => [leaf.name, leaf.value]));
  const names = [...new Set([...ours.keys(), ...theirs.keys()])];
  return names
    .filter((name) => !same(ours.get(name), theirs.get(name)) || ours.has(name) !== theirs.has(name))
    .map((name) => ({ name, value: ours.get(name), other: theirs.get(name) }));
}

function same(a: Plain, b: Plain): boolean {
  return typeof a === typeof b && JSON.stringify(a, exactly) === JSON.stringify(b, exactly);
}

function exactly(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

/** Names of experiments as a narrow list shows them. Pure. */

const WORTH = 10;

/**
 * How many characters at the beginning all names have in common, up to where a part of them ends; 0 where leaving them out would
 * spare little.
 */
export function commonPart(names: readonly string[]): number {
  const [first, ...rest] = names;
  if (first === undefined || rest.length === 0) return 0;
  let length = first.length;
  for (const name of rest) {
    let at = 0;
    while (at < length && name.charCodeAt(at) === first.charCodeAt(at)) at += 1;
    length = at;
  }
  const part = /^.*[-_/:\s]/s.exec(first.slice(0, length))?.[0].length ?? 0;
  return part >= WORTH ? part : 0;
}

const SHORT = 14;
const TAIL = 8;

/** A long name in two parts, of which the first is cut where there is no room; null for a short one. No character is torn apart. */
export function halves(name: string): readonly [string, string] | null {
  const characters = [...new Intl.Segmenter("en").segment(name)].map((one) => one.segment);
  return characters.length <= SHORT ? null : [characters.slice(0, -TAIL).join(""), characters.slice(-TAIL).join("")];
}

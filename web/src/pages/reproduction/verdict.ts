/** How a verdict looks. Pure. */

export function toneOf(verdict: string): "good" | "bad" | "open" {
  if (verdict === "IDENTICAL" || verdict === "WITHIN TOLERANCE") return "good";
  return verdict === "DIVERGED" ? "bad" : "open";
}

/** A badge for a README: SVG that needs nothing from elsewhere. */
export function badgeOf(verdict: string): string {
  const word = verdict.toLowerCase().replace(/[^a-z ]/g, "");
  const fill = { good: "#16733b", bad: "#b3202a", open: "#8a5a00" }[toneOf(verdict)];
  const left = 74;
  const right = Math.round(word.length * 6.6 + 16);
  const width = left + right;
  const text = (x: number, content: string, length: number) =>
    `<text x="${x}" y="14" textLength="${length}" lengthAdjust="spacingAndGlyphs">${content}</text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="reproduced: ${word}">` +
    `<title>reproduced: ${word}</title><rect width="${width}" height="20" rx="3" fill="#3c4248"/>` +
    `<path d="M${left} 0h${right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H${left}z" fill="${fill}"/>` +
    `<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">` +
    `${text(left / 2, "reproduced", left - 14)}${text(left + right / 2, word, right - 14)}</g></svg>\n`
  );
}

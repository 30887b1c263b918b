/** The mark of each status: a shape beside the colour, so that neither says it alone. */

export const MARKS: Readonly<Record<string, string>> = {
  running: "●",
  completed: "✓",
  failed: "✕",
  cancelled: "–",
  pending: "○",
};

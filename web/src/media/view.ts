/** Which part of a picture is seen, in shares of its size: all pictures that are looked at together show the same part. Pure. */

export interface View {
  /** How many times larger than whole; 1 at least. */
  readonly scale: number;
  /** Where the picture's left and upper edge lie, in shares of the frame. */
  readonly x: number;
  readonly y: number;
}

export const WHOLE: View = { scale: 1, x: 0, y: 0 };
const MOST = 64;

/** Larger or smaller around a place of the frame, which stays where it is. */
export function zoomed(view: View, factor: number, x = 0.5, y = 0.5): View {
  const scale = Math.min(MOST, Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return kept({ scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by });
}

/** Moved by a share of the frame. */
export function moved(view: View, x: number, y: number): View {
  return kept({ ...view, x: view.x + x, y: view.y + y });
}

/** No edge of the picture comes into the frame. */
function kept({ scale, x, y }: View): View {
  const within = (at: number) => Math.min(0, Math.max(1 - scale, at));
  return { scale, x: within(x), y: within(y) };
}

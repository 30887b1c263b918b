/** The frames of an animation, one by one. */

import { bytes } from "../api";

export interface Frames {
  /** When each ends, in seconds after the beginning. */
  readonly ends: readonly number[];
  readonly width: number;
  readonly height: number;
  /** One of them, to be closed by who asked for it. */
  frame(at: number): Promise<VideoFrame>;
  close(): void;
}

const MOST = 5000;
const USUAL = 0.1; // seconds of a frame that does not say

/** The frames of the animation at a URL; null where the browser cannot take it apart, or lets no page do so that came without encryption. */
export async function framesOf(url: string, signal: AbortSignal): Promise<Frames | null> {
  if (typeof ImageDecoder === "undefined") return null;
  const type = typeOf(url);
  if (!(await ImageDecoder.isTypeSupported(type))) return null;
  const decoder = new ImageDecoder({ data: await bytes(url, signal), type });
  try {
    await decoder.tracks.ready;
    await decoder.completed;
    const count = Math.min(MOST, decoder.tracks.selectedTrack?.frameCount ?? 0);
    const ends: number[] = [];
    let [width, height] = [0, 0];
    for (let at = 0; at < count; at += 1) {
      const { image } = await decoder.decode({ frameIndex: at });
      [width, height] = [image.displayWidth, image.displayHeight];
      ends.push((ends.at(-1) ?? 0) + (image.duration ? image.duration / 1e6 : USUAL));
      image.close();
      if (signal.aborted) break;
    }
    if (signal.aborted || !count) throw new DOMException("nobody waits", "AbortError");
    return { ends, width, height, frame: async (at) => (await decoder.decode({ frameIndex: at })).image, close: () => decoder.close() };
  } catch (error) {
    decoder.close();
    if (signal.aborted) throw error;
    return null;
  }
}

/** The frame that is seen at a time; the last one after the end. */
export function frameAt(ends: readonly number[], time: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    // Times are sums of frames: what is less than a microsecond short of an end is there.
    if ((ends[middle] as number) <= time + 1e-6) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low);
}

function typeOf(url: string): string {
  const ending = /\.(\w+)$/.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? "";
  return ending === "gif" ? "image/gif" : ending === "webp" ? "image/webp" : "image/png";
}

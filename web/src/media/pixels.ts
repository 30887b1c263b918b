/** The pixels of pictures, as they are in their files. */

import { bytes } from "../api";

const MOST = 40_000_000;

/** The pixels of the picture at a URL: no profile and nothing that is clear changes the numbers in it. */
export async function pixelsOf(url: string, signal: AbortSignal): Promise<ImageData> {
  const data = await bytes(url, signal);
  const image = await createImageBitmap(new Blob([data]), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  try {
    if (signal.aborted) throw new DOMException("nobody waits", "AbortError");
    if (image.width * image.height > MOST) throw new Error("The picture is too large.");
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("This browser has no canvas.");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  } finally {
    image.close();
  }
}

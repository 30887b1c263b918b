/** How far two pictures are apart, pixel by pixel. Pure. */

export interface Apart {
  /** The difference as a picture, as bright as it was asked for. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  /** The share of the pixels that differ. */
  readonly share: number;
  /** The largest difference of a colour, of 255. */
  readonly most: number;
}

/** The difference of two pictures of one size. What is clear in both is as black as what is equal. */
export function apart(a: Uint8ClampedArray, b: Uint8ClampedArray, gain: number): Apart {
  const pixels = new Uint8ClampedArray(new ArrayBuffer(a.length));
  let count = 0;
  let most = 0;
  for (let at = 0; at < a.length; at += 4) {
    let largest = Math.abs((a[at + 3] as number) - (b[at + 3] as number));
    for (let colour = at; colour < at + 3; colour += 1) {
      const far = Math.abs((a[colour] as number) - (b[colour] as number));
      if (far > largest) largest = far;
      pixels[colour] = far * gain;
    }
    pixels[at + 3] = 255;
    if (largest > 0) count += 1;
    if (largest > most) most = largest;
  }
  return { pixels, share: count / Math.max(1, a.length / 4), most };
}

/** The difference in words. */
export function wordsOf({ share, most }: Pick<Apart, "share" | "most">): string {
  if (most === 0) return "the same in every pixel";
  const part = share * 100;
  return `${part < 0.1 ? "less than 0.1" : Number(part.toPrecision(3))} % of the pixels differ, by at most ${most} of 255`;
}

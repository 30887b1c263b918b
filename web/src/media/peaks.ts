/** The shape of a sound: the lowest and the highest of all samples in each stretch of it. Pure. */

export interface Peaks {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** Of each of so many stretches, the extremes of every sample in it, in any channel: a click of one sample is seen. */
export function peaksOf(channels: readonly Float32Array[], count: number): Peaks {
  const length = channels[0]?.length ?? 0;
  const stretches = Math.min(count, length);
  const low = new Float32Array(stretches).fill(Number.POSITIVE_INFINITY);
  const high = new Float32Array(stretches).fill(Number.NEGATIVE_INFINITY);
  for (const samples of channels) {
    for (let at = 0; at < stretches; at += 1) {
      const stop = Math.floor(((at + 1) * length) / stretches);
      let least = low[at] as number;
      let most = high[at] as number;
      for (let place = Math.floor((at * length) / stretches); place < stop; place += 1) {
        const sample = samples[place] as number;
        if (sample < least) least = sample;
        if (sample > most) most = sample;
      }
      low[at] = least;
      high[at] = most;
    }
  }
  return { low, high };
}

/** The outline of a sound as a path, 1 wide for each stretch and 2 high around 0. */
export function outline({ low, high }: Peaks): string {
  const parts: string[] = [];
  for (let at = 0; at < low.length; at += 1) {
    // A line where all samples of a stretch are alike.
    const [top, bottom] = [Math.max(high[at] as number, (low[at] as number) + 0.01), low[at] as number];
    parts.push(`M${at} ${(-top).toFixed(3)}h1V${(-bottom).toFixed(3)}h-1z`);
  }
  return parts.join("");
}

/** From values to pixels and back, on a linear or a logarithmic axis. Pure. */

export type Range = readonly [number, number];

export interface Scale {
  readonly log: boolean;
  readonly domain: Range;
  readonly range: Range;
  /** On a linear axis the pixel of a value is `range[0] + (value - zero) * per`: loops over many values reckon so themselves. */
  readonly zero: number;
  readonly per: number;
  /** The pixel of a value; NaN for one that the axis cannot show. */
  to(value: number): number;
  /** The value at a pixel. */
  back(pixel: number): number;
}

/** A scale; a domain of one value is widened so that it lies in the middle. */
export function scale(domain: Range, range: Range, log = false): Scale {
  const [low, high] = widened(domain, log);
  const first = log ? Math.log10(low) : low;
  const last = log ? Math.log10(high) : high;
  const per = (range[1] - range[0]) / (last - first);
  return {
    log,
    domain: [low, high],
    range,
    zero: first,
    per,
    to: log
      ? (value) => (value > 0 ? range[0] + (Math.log10(value) - first) * per : Number.NaN)
      : (value) => range[0] + (value - first) * per,
    back: (pixel) => {
      const value = first + (pixel - range[0]) / per;
      return log ? 10 ** value : value;
    },
  };
}

function widened([low, high]: Range, log: boolean): Range {
  if (high > low) return [low, high];
  if (log) return [low / 2, low * 2];
  const by = low === 0 ? 1 : Math.abs(low) / 10;
  return [low - by, low + by];
}

/** A domain with some space at both ends. */
export function padded([low, high]: Range, share: number, log: boolean): Range {
  if (!(high > low)) return [low, high];
  if (log) {
    const by = (high / low) ** share;
    return [low / by, high * by];
  }
  const by = (high - low) * share;
  return [low - by, high + by];
}

/** Decoding sounds for their shapes: one at a time, since the samples of a sound take much more memory than its file. */

import { bytes } from "../api";
import { peaksOf, type Peaks } from "./peaks";

const STRETCHES = 600;
const USUAL = 48_000; // samples in a second
const LONGEST = 15 * 60; // seconds that are decoded
const KEPT = 200;

const known = new Map<string, Promise<Peaks>>();
let before: Promise<unknown> = Promise.resolve();

/** The shape of the sound at a URL; an error says why there is none. */
export function peaksAt(url: string, seconds: number, rate: number | null): Promise<Peaks> {
  const found = known.get(url);
  if (found) return found;
  if (seconds > LONGEST) return Promise.reject(new Error(`Of ${Math.round(seconds / 60)} minutes no waveform is drawn.`));
  const made = before.then(() => decoded(url, rate));
  before = made.catch(() => undefined);
  known.set(url, made);
  made.catch(() => known.delete(url));
  if (known.size > KEPT) known.delete(known.keys().next().value as string);
  return made;
}

async function decoded(url: string, rate: number | null): Promise<Peaks> {
  const data = await bytes(url);
  // At another rate the browser would make other samples of them.
  const sampleRate = rate !== null && rate >= 3000 && rate <= 768_000 ? rate : USUAL;
  const context = new OfflineAudioContext({ numberOfChannels: 1, length: 1, sampleRate });
  let sound: AudioBuffer;
  try {
    sound = await context.decodeAudioData(data);
  } catch {
    throw new Error("This browser cannot decode the sound.");
  }
  return peaksOf(Array.from({ length: sound.numberOfChannels }, (_, at) => sound.getChannelData(at)), STRETCHES);
}

/** The videos of a page as one: they play, stop and are sought together, each at the same time after its beginning. */

import { untrack } from "svelte";

/** What of a video is known: how long it is, and how long its shortest frame, in seconds. */
export interface Clip {
  readonly length: number;
  readonly frame: number;
}

export class Playback {
  /** Seconds after the beginning. */
  time = $state(0);
  playing = $state(false);
  #clips = $state.raw<ReadonlyMap<object, Clip>>(new Map());
  #request = 0;

  count = $derived(this.#clips.size);
  /** How long the longest is. */
  length = $derived(Math.max(0, ...[...this.#clips.values()].map((one) => one.length)));
  /** How long a frame is of the one that has the most in a second. */
  frame = $derived(Math.min(1, ...[...this.#clips.values()].map((one) => one.frame)));

  /** Take part; the answer ends it. */
  join(clip: Clip): () => void {
    const key = {};
    this.#clips = new Map([...untrack(() => this.#clips), [key, clip]]);
    return () => {
      const others = [...untrack(() => this.#clips)].filter(([one]) => one !== key);
      this.#clips = new Map(others);
      if (!others.length) this.pause();
    };
  }

  seek(time: number): void {
    this.time = Math.min(this.length, Math.max(0, time));
  }

  /** Show the next frame, or the one before. */
  step(by: number): void {
    this.pause();
    this.seek((Math.round(this.time / this.frame) + by) * this.frame);
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  play(): void {
    if (this.playing || this.length === 0) return;
    if (this.time >= this.length - this.frame / 2) this.time = 0;
    this.playing = true;
    let before = performance.now();
    const tick = (now: number) => {
      if (!this.playing) return;
      const next = this.time + (now - before) / 1000;
      before = now;
      this.time = next >= this.length ? 0 : next;
      this.#request = requestAnimationFrame(tick);
    };
    this.#request = requestAnimationFrame(tick);
  }

  pause(): void {
    this.playing = false;
    cancelAnimationFrame(this.#request);
  }
}

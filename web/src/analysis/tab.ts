/** What the tab of the analysis is about: what the link says. */

import { experiments } from "../experiments.svelte";
import { link } from "../link.svelte";
import { paint } from "../paint.svelte";
import { Chosen } from "../workspace/chosen.svelte";
import { Telling } from "./fields.svelte";
import type { Subject } from "./subject";

export const tab: Subject = {
  get state() {
    return link.state;
  },
  get filter() {
    return experiments.filter;
  },
  get revision() {
    return experiments.telling?.experiments ?? 0;
  },
  fields: new Telling(() => experiments.telling, () => link.state),
  still: false,
  set: (change, quietly) => link.set(change, quietly),
  listed: (most, kind) => new Chosen(most, kind),
  shade: (row) => paint.shade(row),
};

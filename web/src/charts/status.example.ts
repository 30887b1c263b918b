/** What a status line is made from where nothing is special. */

import { NOTHING } from "./curves";
import type { StatusGiven } from "./status";

export const DEFAULT_STATUS: StatusGiven = {
  data: NOTHING, experiments: 1, asked: 1, hidden: 0, xLog: false, yLog: false, xMetric: "", robust: false, smooth: 0, zoomed: false, best: 0,
};

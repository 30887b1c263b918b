/** Moving through the list of experiments by keys, and selecting. The table and the list at the left share it. */

import { tick } from "svelte";
import { experiments, type Row } from "../experiments.svelte";
import { actions } from "../keys/actions.svelte";
import { link } from "../link.svelte";
import { paint } from "../paint.svelte";
import { isShown, withShown } from "../state";

class Moves {
  #last = -1;

  /** Add the keys of a list that scrolls; the answer takes them away. To be called in an effect. */
  follow(scroller: () => HTMLElement | undefined, rowHeight: number, head: number): () => void {
    const to = (index: number) => {
      const total = experiments.total ?? 0;
      if (total === 0) return;
      experiments.cursor = Math.max(0, Math.min(total - 1, index));
      const element = scroller();
      if (!element) return;
      const top = experiments.cursor * rowHeight;
      const room = element.clientHeight - head - rowHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top > element.scrollTop + room) element.scrollTop = top - room;
      void tick();
    };
    const row = (run: (one: Row, index: number) => void) => () => {
      const one = experiments.row(experiments.cursor);
      if (one) run(one, experiments.cursor);
    };
    return actions.add([
      { keys: ["j", "ArrowDown"], title: "Next experiment", group: "Experiments", run: () => to(experiments.cursor + 1) },
      { keys: ["k", "ArrowUp"], title: "Previous experiment", group: "Experiments", run: () => to(experiments.cursor - 1) },
      { keys: ["Home"], title: "First experiment", group: "Experiments", run: () => to(0) },
      { keys: ["End"], title: "Last experiment", group: "Experiments", run: () => to((experiments.total ?? 0) - 1) },
      { keys: ["Enter", "o"], title: "Open the experiment", group: "Experiments", run: row((one) => link.go({ page: "experiment", id: one.id })) },
      { keys: ["x"], title: "Select, or no longer", group: "Experiments", run: row((one, index) => this.select(one, index, false)) },
      {
        keys: [" "],
        title: "Draw, or no longer",
        group: "Experiments",
        run: row((one) => link.set({ eye: withShown(link.state.eye, [one.id], !isShown(link.state.eye, one.id)) })),
      },
      { keys: ["C"], title: "Choose a colour", group: "Experiments", run: row((one) => paint.choose(one)) },
      { keys: ["Escape"], title: "Select none", group: "Experiments", run: () => link.set({ selected: [] }) },
    ]);
  }

  /** Select an experiment or no longer; with Shift, all from the one selected last. */
  select(row: Row, index: number, range: boolean): void {
    const selected = new Set(link.state.selected);
    const on = !selected.has(row.id);
    const from = range && this.#last >= 0 ? this.#last : index;
    for (let at = Math.min(from, index); at <= Math.max(from, index); at += 1) {
      const one = experiments.row(at);
      if (one === undefined) continue;
      if (on) selected.add(one.id);
      else selected.delete(one.id);
    }
    this.#last = index;
    experiments.cursor = index;
    link.set({ selected: [...selected] });
  }
}

export const moves = new Moves();

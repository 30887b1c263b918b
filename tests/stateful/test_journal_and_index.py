"""Whatever is logged, ended, looked at, sealed, deleted, restored or rebuilt, in whatever order: what the index
and the series say is what a plain dictionary says."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from anew.index import Index
from anew.index.doctor import examine
from anew.index.trash import Trash
from anew.query.question import FactsQuestion, ask
from anew.stores.open import open_stores
from anew.stores.series import folder
from anew.stores.series.protocol import ExperimentFolder
from anew.tracking.experiment import Experiment

prefixes = st.sampled_from(["alice/vision/one", "alice/vision/one/inner"])
metric_names = st.sampled_from(["loss", "train/acc", "精度"])
numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)
points = st.dictionaries(metric_names, numbers, min_size=1)
steps = st.none() | st.integers(-3, 50)


class Model:
    """An experiment as a dictionary would have it."""

    def __init__(self) -> None:
        self.status = "running"
        self.params: dict[str, Any] = {}
        self.tags: dict[str, str | None] = {}
        self.notes: str | None = None
        self.series: dict[str, list[tuple[int, float]]] = {}

    def log(self, metrics: dict[str, float], step: int | None) -> None:
        for name, value in metrics.items():
            series = self.series.setdefault(name, [])
            series.append((len(series) if step is None else step, value))


class JournalAndIndex(RuleBasedStateMachine):
    """Writers, readers and a broom on one root."""

    @initialize()
    def begin(self) -> None:
        self.home = tempfile.mkdtemp()
        self.root = str(Path(self.home, "experiments"))
        Path(self.root).mkdir()
        self.models: dict[str, Model] = {}
        self.trashed: dict[str, tuple[str, Model]] = {}
        self.ids: dict[str, str] = {}
        self.running: dict[str, Experiment] = {}
        self.seal_bytes, folder.SEAL_BYTES = folder.SEAL_BYTES, 600
        self.derive_bytes, folder.DERIVE_BYTES = folder.DERIVE_BYTES, 300
        self.look_with_fresh_eyes()

    def teardown(self) -> None:
        if hasattr(self, "home"):
            for experiment in self.running.values():
                experiment.run.cancel()
            self.stores.close()
            folder.SEAL_BYTES, folder.DERIVE_BYTES = self.seal_bytes, self.derive_bytes
            shutil.rmtree(self.home)

    # -- writers ----------------------------------------------------------------------------------

    @rule(prefix=prefixes)
    def open(self, prefix: str) -> None:
        if prefix not in self.running:
            experiment = Experiment(
                prefix=prefix, root=self.root, quiet=True, console="off", system_metrics=0, resume="allow",
            )  # fmt: skip
            self.running[prefix] = experiment.run.start()
            self.ids[prefix] = experiment.id
            self.models.setdefault(prefix, Model()).status = "running"

    @precondition(lambda self: self.running)
    @rule(data=st.data(), metrics=points, step=steps, times=st.integers(1, 6))
    def log(
        self, data: st.DataObject, metrics: dict[str, float], step: int | None, times: int
    ) -> None:
        prefix = data.draw(st.sampled_from(sorted(self.running)))
        for _ in range(times):
            self.running[prefix].log_metrics(metrics, step=step)
            self.models[prefix].log(metrics, step)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), lr=numbers, name=st.sampled_from(["a", "b"]))
    def say(self, data: st.DataObject, lr: float, name: str) -> None:
        prefix = data.draw(st.sampled_from(sorted(self.running)))
        experiment, model = self.running[prefix], self.models[prefix]
        experiment.params.set(lr=lr, model={name: [1, name]})
        model.params["lr"] = lr
        model.params.setdefault("model", {})[name] = [1, name]
        if name in model.tags:
            experiment.remove_tags([name])
            del model.tags[name]
        else:
            experiment.add_tags({name: str(lr)})
            model.tags[name] = str(lr)
        experiment.set_notes(f"at {lr}")
        model.notes = f"at {lr}"

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["complete", "fail", "cancel"]))
    def end(self, data: st.DataObject, how: str) -> None:
        prefix = data.draw(st.sampled_from(sorted(self.running)))
        experiment = self.running.pop(prefix)
        {
            "complete": experiment.run.complete,
            "fail": experiment.run.fail,
            "cancel": experiment.run.cancel,
        }[how]()
        ends = {"complete": "completed", "fail": "failed", "cancel": "cancelled"}
        self.models[prefix].status = ends[how]

    # -- readers ----------------------------------------------------------------------------------

    @rule()
    def look(self) -> None:
        self.index.refresh()

    @rule()
    def look_with_fresh_eyes(self) -> None:
        if hasattr(self, "stores"):
            self.stores.close()
        self.stores = open_stores(self.root)
        self.index = Index(self.stores)
        self.index.refresh()

    @rule()
    def rebuild(self) -> None:
        self.index.rebuild()

    @rule()
    def lose_the_catalog(self) -> None:
        for path in Path(self.root).glob("experiments.db*"):
            path.unlink()

    @rule()
    def lose_what_was_derived(self) -> None:
        shutil.rmtree(Path(self.root, ".anew", "series"), ignore_errors=True)

    @rule()
    def seal(self) -> None:
        self.index.refresh()
        self.index.seal()

    # -- the broom --------------------------------------------------------------------------------

    @precondition(lambda self: set(self.models) - set(self.running))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        prefix = data.draw(st.sampled_from(sorted(set(self.models) - set(self.running))))
        self.index.refresh()
        Trash(self.index).delete([self.ids[prefix]])
        self.trashed[self.ids.pop(prefix)] = (prefix, self.models.pop(prefix))

    @precondition(lambda self: self.trashed)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        experiment_id = data.draw(st.sampled_from(sorted(self.trashed)))
        prefix, model = self.trashed[experiment_id]
        if prefix not in self.models:
            del self.trashed[experiment_id]
            Trash(self.index).restore(experiment_id)
            self.models[prefix], self.ids[prefix] = model, experiment_id

    @rule()
    def empty_the_trash(self) -> None:
        freed = Trash(self.index).purge()
        assert freed.count == len(self.trashed)
        self.trashed.clear()

    # -- the truth --------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_dictionary_has_it(self) -> None:
        if not hasattr(self, "index"):
            return
        self.index.refresh()
        catalog = self.stores.catalog
        ids = catalog.select(ask(now=0.0)).ids
        parts = frozenset({"state", "metrics"})
        rows = catalog.facts(FactsQuestion(ids=ids, parts=parts, now=0.0))
        assert {row.prefix: row.id for row in rows} == self.ids
        for row in rows:
            model = self.models[row.prefix]
            state = row.state
            assert state is not None
            assert row.metrics is not None
            assert row.status == model.status
            assert repr(_floats(state.params)) == repr(model.params)
            assert (state.tags, row.notes) == (model.tags, model.notes)
            self._series(row, model, row.metrics)

    def _series(self, row: Any, model: Model, summary: dict[str, Any]) -> None:
        place = ExperimentFolder(row.id, str(Path(self.root, row.prefix)))
        columns = self.stores.series.read(place)
        assert columns.problems == ()
        assert set(columns.names) == set(summary) == set(model.series)
        for name, series in model.series.items():
            rows = columns.of(name)
            assert columns.step[rows].tolist() == [step for step, _ in series]
            assert repr(columns.value[rows].tolist()) == repr([value for _, value in series])
            real = [value for _, value in series if not math.isnan(value)]
            assert summary[name].count == len(series)
            assert summary[name].min == min(real, default=None)
            assert summary[name].last_step == series[-1][0]

    @rule()
    def ask_the_doctor(self) -> None:
        self.index.refresh()
        assert [f for f in examine(self.index) if f.kind != "leftover"] == []


def _floats(value: Any) -> Any:
    from anew.record.plain import from_plain

    return from_plain(value)


@pytest.mark.parametrize("examples", [5, pytest.param(25, marks=pytest.mark.slow)])
def test_the_index_says_what_a_dictionary_says(examples: int) -> None:
    run_state_machine_as_test(
        JournalAndIndex,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

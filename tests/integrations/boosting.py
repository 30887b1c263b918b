"""What every boosting integration promises, whichever framework grows the trees; each one's test says only what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from anew import Experiment, Status, Store
from anew.integrations.boosting import Boosting
from later import later

from .running import run_example

Curves = dict[str, list[float]]


def two_classes(rows: int = 300, columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Data of which a few trees learn something, and not all."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, columns))
    return x, (x[:, 0] + 0.5 * x[:, 1] + rng.normal(0, 0.5, rows) > 0).astype(int)


def curves(found: Any) -> Curves:
    """The metrics of an experiment that were logged with each iteration."""
    return {
        name: found.metrics[name].to_numpy()[1].tolist()
        for name in found.metrics
        if not name.startswith("best")
    }


class BoostingContract:
    """What holds for a framework whose callback logs each iteration.

    Attributes:
        integration: The name of the integration's module.
        example: The example that trains with it, and the prefix of its experiment.
        example_features: Some features that the example's importances name.
        file: What a model's file may be called.
        params: Parameters that `train` gives and the framework keeps, as they are to be recorded.
        rounds: The parameter that says how many iterations there were.
        error: What `fail` raises: the class, and something that it says.
    """

    integration: ClassVar[str]
    example: ClassVar[tuple[str, str]]
    example_features: ClassVar[set[str]]
    file: ClassVar[str]
    params: ClassVar[dict[str, Any]]
    rounds: ClassVar[str]
    error: ClassVar[tuple[type[Exception], str]]

    @property
    def callback(self) -> type[Boosting]:
        """The integration's class."""
        found: type[Boosting] = later(f"anew.integrations.{self.integration}").AnewCallback
        return found

    @pytest.fixture(autouse=True)
    def _here(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        monkeypatch.setenv("ANEW_ROOT", str(root))
        monkeypatch.setenv("ANEW_CONSOLE", "off")
        monkeypatch.setenv("ANEW_CAPTURE", "off")
        monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")

    def train(self, callback: Boosting | None, rounds: int = 5, validated: bool = True) -> Curves:
        """Train on what `two_classes` makes, with or without a callback; returns what the framework recorded itself."""
        raise NotImplementedError

    def fit(self, callback: Boosting) -> None:
        """Train four iterations as the framework's estimators do."""
        raise NotImplementedError

    def fail(self, callback: Boosting) -> None:
        """Train so that it raises `error`.

        Raises:
            Exception: That error.
        """
        raise NotImplementedError

    def check_example(self, found: Any, best: int) -> None:
        """Hold against the example's experiment what the framework has of its own.

        Args:
            best: The best iteration, counted from 0.
        """
        raise NotImplementedError

    def check_model(self, path: str, trees: int) -> None:
        """Open a model's file with the framework, and count its iterations."""
        raise NotImplementedError

    @pytest.mark.slow
    def test_the_example_leaves_curves_parameters_the_best_iteration_importances_and_the_model(
        self, tmp_path
    ):
        name, prefix = self.example
        with run_example(name, tmp_path) as store:
            found = store[prefix]
        assert found.status is Status.COMPLETED
        best = found.metrics["best_iteration"]
        self.check_example(found, best.last_step)
        (importance,) = found.values("feature_importance")
        assert importance.data["columns"] == ["feature", "importance"]
        assert {name for name, _ in importance.data["rows"]} >= self.example_features
        (file,) = found.files
        assert (file.prefix, file.name) == ("models", self.file)
        self.check_model(str(file.path), best.last_step + 1)
        assert [one.name for one in tmp_path.iterdir()] == ["experiments"]

    @pytest.mark.parametrize("given", [True, False])
    def test_what_is_recorded_is_what_the_framework_records(self, root, given):
        own = next(iter(self.params))
        with Experiment("run", params={own: "mine"}) as exp:
            # One that was not given is the experiment that runs.
            results = self.train(self.callback(exp) if given else self.callback())
            assert exp.status is Status.RUNNING  # it is the program's to end
        (found,) = Store(root)
        assert found.id == exp.id
        assert curves(found) == results
        assert found.params[own] == "mine"
        others = {name: value for name, value in self.params.items() if name != own}
        assert {name: found.params[name] for name in others} == others

    def test_parameters_are_recorded_as_they_were_given(self, root):
        self.train(self.callback("run"))
        (found,) = Store(root)
        assert {name: found.params[name] for name in self.params} == self.params
        assert found.params[self.rounds] == 5

    def test_an_estimator_opens_an_experiment_for_each_fit_and_ends_it(self, root):
        callback = self.callback("fitted", tags=["trees"], model_file=self.file)
        for _ in range(2):
            self.fit(callback)
        assert len(Store(root)) == 2
        for found in Store(root):
            assert (found.name, found.status) == ("fitted", Status.COMPLETED)
            assert found.tags == {"trees": None}
            assert found.params[self.rounds] == 4
            assert {len(scores) for scores in curves(found).values()} == {4}
            assert [file.name for file in found.files] == [self.file]
            assert found.values("feature_importance")

    def test_a_training_that_raises_in_a_with_block_fails_the_experiment(self, root):
        error, says = self.error
        with pytest.raises(error), self.callback("broken") as callback:
            self.fail(callback)
        (found,) = Store(root)
        assert found.status is Status.FAILED
        assert error.__name__ in found.reason
        assert says in found.reason

    def test_a_training_without_validation_has_no_best_iteration(self, root):
        with self.callback("plain", importance=False) as callback:
            results = self.train(callback, 2, validated=False)
        (found,) = Store(root)
        assert curves(found) == results
        assert not [name for name in found.metrics if name.startswith("best")]
        assert not found.values()
        assert found.params[self.rounds] == 2

    def test_a_disabled_experiment_trains_as_without(self, root):
        with self.callback(mode="disabled", model_file=self.file) as callback:
            assert self.train(callback) == self.train(None)
        assert not root.exists()


class Folds(NamedTuple):
    """What a framework returns of a cross-validation, and the best iteration as it counts them.

    Attributes:
        metric: The name under which the metric is recorded.
    """

    metric: str
    means: list[float]
    deviations: list[float]
    best: int


class TrainContract(BoostingContract):
    """What holds where training is a function that can go on, be stopped, and cross-validate."""

    error = (ArithmeticError, "no more")

    def go_on(self, callback: Boosting) -> str:
        """Train two iterations on a model that has three; returns the name of a metric."""
        raise NotImplementedError

    def stop(self, callback: Boosting, error: BaseException) -> None:
        """Train five iterations, of which one raises `error`.

        Raises:
            BaseException: That error.
        """
        raise NotImplementedError

    def cross_validate(self, callback: Boosting) -> Folds:
        """Cross-validate on three folds, stopped early."""
        raise NotImplementedError

    def fail(self, callback: Boosting) -> None:
        self.stop(callback, ArithmeticError("no more"))

    def test_training_goes_on_with_the_steps_of_an_earlier_model(self, root):
        with self.callback("on") as callback:
            metric = self.go_on(callback)
        (found,) = Store(root)
        assert found.metrics[metric].to_numpy()[0].tolist() == [3, 4]

    def test_a_training_that_was_broken_off_is_ended_by_the_next_one(self, root):
        callback = self.callback("again")
        with pytest.raises(ArithmeticError):
            self.stop(callback, ArithmeticError("no more"))
        self.train(callback)
        newest, oldest = Store(root).list()
        assert (oldest.status, bool(oldest.reason)) == (Status.FAILED, True)
        assert newest.status is Status.COMPLETED

    def test_ctrl_c_in_a_with_block_cancels_the_experiment(self, root):
        with pytest.raises(KeyboardInterrupt), self.callback("cancelled") as callback:
            self.stop(callback, KeyboardInterrupt())
        assert Store(root).list()[0].status is Status.CANCELLED

    def test_two_trainings_in_one_with_block_are_one_experiment(self, root):
        with self.callback("both", model_file=self.file) as callback:
            results = [self.train(callback, 2) for _ in range(2)]
        (found,) = Store(root)
        assert len(found.files) == 2
        for metric in results[0]:
            assert found.metrics[metric].to_numpy()[0].tolist() == [0, 0, 1, 1]

    def test_cross_validation_keeps_mean_and_deviation_and_the_boosters_of_all_folds(self, root):
        with self.callback("cv", model_file=self.file) as callback:
            folds = self.cross_validate(callback)
        (found,) = Store(root)
        recorded, rounds = curves(found), len(folds.means)
        assert len(recorded[folds.metric]) > rounds  # those behind the best one as well
        assert recorded[folds.metric][:rounds] == folds.means
        assert recorded[f"{folds.metric}/std"][:rounds] == folds.deviations
        assert found.metrics["best_iteration"].last == folds.best
        assert [file.name for file in found.files] == [f"fold-{i}/{self.file}" for i in range(3)]

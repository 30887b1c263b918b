"""scikit-learn: `fit(model, x, y, x_test, y_test)`, or `log_fit(model, x_test, y_test)` of a model that is fitted."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from anew import Experiment
from anew.errors import InvalidValue, WriteFailed

from .opening import Opening
from .requiring import require
from .searches import log_search, params_of

_sklearn: Any = require("sklearn", "scikit-learn")

from .scores import log_scores  # noqa: E402  (after the error that says what to install)

__all__ = ["fit", "log_fit"]

Model = TypeVar("Model")
_CURVES = ("loss_curve_", "train_score_", "validation_score_", "validation_scores_")


def fit(
    model: Model,
    x: Any,
    y: Any = None,
    x_test: Any = None,
    y_test: Any = None,
    *,
    experiment: Experiment | str | None = None,
    model_file: str | None = "model.joblib",
    weights: bool = False,
    candidates: bool = False,
    fit_params: Mapping[str, Any] | None = None,
    **options: Any,
) -> Model:
    """Fit a model, and record its parameters, its scores on what it saw and did not see, and itself.

        model = fit(LogisticRegression(), x, y, x_test, y_test, experiment="alice/digits/logistic")

    Args:
        x_test: Data the model does not see; `y_test` its targets.
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        model_file: Keep the fitted model under this name, in the format of its ending: `.joblib`, or `.skops` where
            skops is installed; None keeps no file. Loading a `.joblib` runs what is in it.
        weights: Also commit its arrays as a version of weights (`exp.weights`); of a pipeline, those of its last step.
        candidates: Record each candidate of a search (`GridSearchCV` …) as a child experiment too.
        fit_params: What else the model's `fit` takes, such as `sample_weight`.
        options: What else `Experiment` takes, for one to open.

    Raises:
        InvalidValue: The model's file has another ending, or the test data no targets.
    """
    _check_format(model_file)
    if x_test is not None and y_test is None and y is not None:
        raise InvalidValue("x_test was given without y_test, its targets.", key="y_test")
    with Opening(experiment, options) as opening:
        exp, fitted = opening.experiment, cast(Any, model)
        exp.params.set(params_of(model))
        started = time.perf_counter()
        fitted.fit(x, *(() if y is None else (y,)), **(fit_params or {}))
        exp.log_metric("fit/seconds", time.perf_counter() - started)
        _kept(exp, "scores", log_scores, model, x, y, "train", confusion=False)
        if x_test is not None:
            _kept(exp, "scores", log_scores, model, x_test, y_test, "test", confusion=True)
        _log_fitted(exp, model, model_file, weights, candidates)
    return model


def log_fit(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    data: str = "test",
    experiment: Experiment | str | None = None,
    model_file: str | None = "model.joblib",
    weights: bool = False,
    candidates: bool = False,
    **options: Any,
) -> None:
    """Record a model that was fitted: its parameters, its scores on some data, and itself.

    Args:
        x: Data, and `y` its targets; without them there are no scores.
        data: What to call the data: the scores are `<data>/accuracy` and so on. The rest is as for `fit`.
    """
    _check_format(model_file)
    with Opening(experiment, options) as opening:
        exp = opening.experiment
        exp.params.set(params_of(model))
        if x is not None:
            _kept(exp, "scores", log_scores, model, x, y, data, confusion=True)
        _log_fitted(exp, model, model_file, weights, candidates)


def _log_fitted(
    exp: Experiment, model: Any, model_file: str | None, weights: bool, candidates: bool
) -> None:
    """What the fit left on the model, and the model itself."""
    best = getattr(model, "best_estimator_", model)
    last = best.steps[-1][1] if hasattr(best, "steps") else best
    for curve in _CURVES:
        values = getattr(last, curve, None)
        for step, value in enumerate(() if values is None else values):
            exp.log_metric(f"fit/{curve.strip('_')}", value, step=step)
    if hasattr(model, "cv_results_"):
        _kept(exp, "search", log_search, model, candidates)
    if weights:
        _kept(exp, "weights", lambda exp: exp.weights.commit(last, f"fitted {type(last).__name__}"))
    if model_file is not None:
        _kept(exp, "file", _save, model, model_file)


def _kept(exp: Experiment, what: str, record: Callable[..., Any], *args: Any, **named: Any) -> None:
    """Record something of a model; a fit that took hours is not failed by what cannot be recorded of it."""
    try:
        record(exp, *args, **named)
    except WriteFailed:
        raise
    except Exception as error:  # noqa: BLE001  (whatever a stranger's estimator does)
        message = f"The model's {what} could not be recorded: {type(error).__name__}: {error}"
        exp.log(message, level="error")
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def _check_format(name: str | None) -> None:
    if name is not None and not name.endswith((".joblib", ".skops")):
        raise InvalidValue(
            f"A model's file ends in .joblib or .skops: not {name!r}.", key="model_file"
        )
    if name is not None and name.endswith(".skops"):
        require("skops.io", "skops")


def _save(exp: Experiment, model: Any, name: str) -> None:
    dump = require("skops.io" if name.endswith(".skops") else "joblib", "skops").dump
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, os.path.basename(name))
        dump(model, path)
        facts = {"class": type(model).__name__, "scikit-learn": _sklearn.__version__}
        exp.files("models").save(path, name, metadata=facts)

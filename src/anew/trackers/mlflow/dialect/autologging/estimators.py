"""scikit-learn: `fit` of every estimator, and of XGBoost's and LightGBM's that follow its protocol."""

from __future__ import annotations

import inspect
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from .. import calls, fluent
from .sessions import Session, listen

__all__ = ["WITHIN", "watch"]

# Steps of preparation, whose fit alone is no training.
_NO_TRAINING = (
    "sklearn.compose._column_transformer", "sklearn.feature_extraction", "sklearn.feature_selection", "sklearn.impute",
    "sklearn.preprocessing",
)  # fmt: skip


class _Within:
    """The modules of a package, as something that contains their names."""

    def __init__(self, package: str) -> None:
        self._start = f"{package}."

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith(self._start)


WITHIN = _Within("sklearn")


def watch(name: str, module: ModuleType) -> None:
    """Listen to the estimators that a module of scikit-learn defines."""
    if name.startswith(_NO_TRAINING):
        return
    base = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None)
    for cls in list(vars(module).values()):
        own = isinstance(cls, type) and cls.__module__ == name and "fit" in vars(cls)
        if own and base is not None and issubclass(cls, base):
            listen("sklearn", cls, "fit", fitted)


def fitted(
    session: Session, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call `fit`, and record what the estimator was told, how it does on what it saw, and the estimator."""
    estimator = args[0]
    given = session.keep(_given, original, args, kwargs) or (None, None, None)
    session.keep(_log_before, session, estimator, *given)
    made = original(*args, **kwargs)
    x, y, weight = given
    if x is not None:
        session.keep(_log_scores, session, estimator, x, y, weight)
    session.keep(_log_html, estimator)
    if hasattr(estimator, "cv_results_") and hasattr(estimator, "best_params_"):
        session.keep(_log_search, session, estimator, given)
    session.log_model(estimator, inputs=x)
    return made


def _given(
    original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """The data, the targets and the weights of samples."""
    bound = inspect.signature(original).bind(*args, **kwargs).arguments
    more = bound.get("fit_params") or bound.get("kwargs") or {}
    x = bound.get("X", bound.get("data"))
    y = bound.get("y", bound.get("Y", more.get("y")))
    return x, y, bound.get("sample_weight", more.get("sample_weight"))


def _log_before(session: Session, estimator: Any, x: Any, y: Any, weight: Any) -> None:
    deep = not hasattr(
        estimator, "refit"
    )  # a search has parameters of its own, and tries those of what it holds
    session.log_params(estimator.get_params(deep=deep))
    kind = type(estimator)
    calls.set_tags(
        {"estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__name__}"}
    )
    session.log_dataset(x, y)


def _log_scores(session: Session, estimator: Any, x: Any, y: Any, weight: Any) -> None:
    from sklearn import base, metrics

    if y is not None and callable(getattr(estimator, "score", None)):
        weighted = (
            weight is not None and "sample_weight" in inspect.signature(estimator.score).parameters
        )
        score = estimator.score(x, y, **({"sample_weight": weight} if weighted else {}))
        calls.log_metric("training_score", float(score))
    if y is None or not callable(getattr(estimator, "predict", None)):
        return
    said = estimator.predict(x)
    if base.is_classifier(estimator):
        session.keep(_log_classes, session, metrics, estimator, x, y, said, weight)
    elif base.is_regressor(estimator):
        named = {"sample_weight": weight}
        squared = metrics.mean_squared_error(y, said, **named)
        calls.log_metrics({
            "training_mean_squared_error": float(squared),
            "training_root_mean_squared_error": float(squared**0.5),
            "training_mean_absolute_error": float(metrics.mean_absolute_error(y, said, **named)),
            "training_r2_score": float(metrics.r2_score(y, said, **named)),
        })  # fmt: skip


def _log_classes(
    session: Session, metrics: Any, estimator: Any, x: Any, y: Any, said: Any, weight: Any
) -> None:
    positive = session.options.get("pos_label")
    averaged = {"average": "weighted"} if positive is None else {"average": "binary", "pos_label": positive}  # fmt: skip
    found = {
        f"training_{name}_score": getattr(metrics, f"{name}_score")(
            y, said, sample_weight=weight, **averaged, **more
        )
        for name, more in (
            ("precision", {"zero_division": 0}),
            ("recall", {"zero_division": 0}),
            ("f1", {"zero_division": 0}),
        )
    }
    found["training_accuracy_score"] = metrics.accuracy_score(y, said, sample_weight=weight)
    calls.log_metrics({name: float(value) for name, value in found.items()})
    session.keep(_log_picture, metrics.ConfusionMatrixDisplay.from_predictions, "confusion_matrix", y, said,
                 sample_weight=weight, normalize="true")  # fmt: skip
    if not callable(getattr(estimator, "predict_proba", None)):
        return
    likely = estimator.predict_proba(x)
    two = likely.shape[1] == 2
    calls.log_metric(
        "training_log_loss",
        float(metrics.log_loss(y, likely, labels=estimator.classes_, sample_weight=weight)),
    )
    area = metrics.roc_auc_score(
        y,
        likely[:, 1] if two else likely,
        average="weighted",
        sample_weight=weight,
        **({} if two else {"multi_class": "ovo"}),
    )
    calls.log_metric("training_roc_auc", float(area))
    if two:
        for name, display in (
            ("roc_curve", metrics.RocCurveDisplay),
            ("precision_recall_curve", metrics.PrecisionRecallDisplay),
        ):
            session.keep(_log_picture, display.from_estimator, name, estimator, x, y)


def _log_picture(draw: Callable[..., Any], name: str, *args: Any, **named: Any) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure()  # not of pyplot: the program's own figures stay as they are
    draw(*args, ax=figure.subplots(), **named)
    calls.log_figure(figure, f"training_{name}.png")


def _log_html(estimator: Any) -> None:
    from sklearn.utils import estimator_html_repr

    calls.log_text(estimator_html_repr(estimator), "estimator.html")


def _log_search(session: Session, search: Any, given: tuple[Any, ...]) -> None:
    """What a search found: the best, all candidates as a table, and the first of them as runs of their own."""
    import pandas

    session.log_params({f"best_{name}": value for name, value in search.best_params_.items()})
    if hasattr(search, "best_score_"):
        calls.log_metric("best_cv_score", float(search.best_score_))
    if hasattr(search, "best_estimator_"):
        session.log_model(search.best_estimator_, "best_estimator")
    results = pandas.DataFrame(search.cv_results_)
    with tempfile.TemporaryDirectory(prefix="anew-") as folder:
        path = Path(folder) / "cv_results.csv"
        results.to_csv(path, index=False)
        calls.log_artifact(path)
    most = session.options.get("max_tuning_runs", 5)
    ranks = [name for name in results.columns if name.startswith("rank_test_")]
    if ranks:
        results = results.sort_values(ranks[0])
    for _, row in results.iterrows() if most is None else results.head(most).iterrows():
        session.keep(_log_candidate, session, search, row, given)


def _log_candidate(
    session: Session, search: Any, row: Mapping[str, Any], data: tuple[Any, ...]
) -> None:
    kind = type(search.estimator)
    tags = {
        "mlflow.autologging": session.flavor,
        "estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__name__}",
    }  # fmt: skip
    with fluent.start_run(nested=True, tags=tags):
        base = {k: v for k, v in search.estimator.get_params(deep=True).items() if k not in row["params"]}  # fmt: skip
        given = {**base, **row["params"]}
        session.log_dataset(*data[:2])
        calls.log_params(
            {
                k: v if isinstance(v, (bool, int, float, str)) else str(v)[:6000]
                for k, v in given.items()
            }
        )
        calls.log_metrics({
            name: float(value)
            for name, value in row.items()
            if not name.startswith("param") and not name.startswith("split")
        })  # fmt: skip

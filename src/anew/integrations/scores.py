"""How good a scikit-learn model is on some data: the scores that are usual for what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn import base, metrics
from sklearn.utils.multiclass import type_of_target

from anew import Experiment, Table

__all__ = ["log_scores"]

_MOST_CLASSES = 50  # that a figure has room for
_MOST_POINTS = 2000  # whose distances to each other are computed


def log_scores(exp: Experiment, model: Any, x: Any, y: Any, data: str, confusion: bool) -> None:
    """Log a model's scores on some data as `<data>/<score>`, and what a classifier takes for what.

    Args:
        y: The targets; None where there are none.
        confusion: Whether to keep the confusion matrix, as a table and a figure.
    """
    if getattr(model, "refit", True) is False:
        return  # a search that fitted none of its candidates on all of the data
    found: dict[str, float] = {}
    predicted: Any = None  # of a classifier
    if base.is_classifier(model) and y is not None:
        predicted = np.asarray(model.predict(x))
        if predicted.ndim == 2 and predicted.shape[1] == 1:  # CatBoost's
            predicted = predicted[:, 0]
        found = dict(_classified(model, x, y, predicted))
    elif base.is_regressor(model) and y is not None:
        found = dict(_regressed(y, model.predict(x)))
    elif base.is_clusterer(model):
        labels = model.predict(x) if hasattr(model, "predict") else model.labels_
        if (
            len(labels) == getattr(x, "shape", [len(labels)])[0]
        ):  # what cannot predict knows the data it was fitted on alone
            found = dict(_clustered(model, x, y, labels))
    elif base.is_outlier_detector(model) and hasattr(model, "predict"):
        found = {"outliers": float(np.mean(model.predict(x) == -1))}
    elif hasattr(model, "score"):
        found = {"score": model.score(x) if y is None else model.score(x, y)}
    exp.log_metrics({f"{data}/{name}": value for name, value in found.items()}, step=0)
    if confusion and predicted is not None and type_of_target(y) in ("binary", "multiclass"):
        _log_confusion(exp, model, y, predicted, data)


def _classified(model: Any, x: Any, y: Any, predicted: Any) -> Iterator[tuple[str, float]]:
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        right = np.mean(np.asarray(y) == predicted, axis=0)
        yield from ((f"accuracy/{output}", share) for output, share in enumerate(right))
        return
    yield "accuracy", metrics.accuracy_score(y, predicted)
    classes: Any = None if kind == "multilabel-indicator" else np.asarray(model.classes_)
    known = classes is not None and set(np.unique(y)) <= set(classes)
    # Of two classes those of the second one, as scikit-learn's own default is; of more the mean over all.
    two = known and len(classes) == 2
    average = {"average": "binary", "pos_label": classes[1]} if two else {"average": "macro"}
    scores = metrics.precision_recall_fscore_support(y, predicted, zero_division=0, **average)
    yield from zip(("precision", "recall", "f1"), scores[:3], strict=True)
    if not known:
        return  # there is no probability of a class that the model has not seen
    chances = model.predict_proba(x) if hasattr(model, "predict_proba") else None
    if chances is not None and len(classes) > 1:
        yield "log_loss", metrics.log_loss(y, chances, labels=classes)
    if len(np.unique(y)) < max(2, len(classes)):
        return  # nothing to tell apart
    if two and (chances is not None or hasattr(model, "decision_function")):
        margin = model.decision_function(x) if chances is None else chances[:, 1]
        yield "roc_auc", metrics.roc_auc_score(y, margin)
    elif chances is not None:
        yield "roc_auc", metrics.roc_auc_score(y, chances, multi_class="ovr", labels=classes)


def _regressed(y: Any, predicted: Any) -> Iterator[tuple[str, float]]:
    if len(predicted) > 1:
        yield "r2", metrics.r2_score(y, predicted)
    yield "mae", metrics.mean_absolute_error(y, predicted)
    yield "rmse", metrics.root_mean_squared_error(y, predicted)


def _clustered(model: Any, x: Any, y: Any, labels: Any) -> Iterator[tuple[str, float]]:
    clusters = len({*labels.tolist()} - {-1})
    yield "clusters", clusters
    if 2 <= clusters < len(labels):
        few = {"sample_size": _MOST_POINTS, "random_state": 0} if len(labels) > _MOST_POINTS else {}
        yield "silhouette", metrics.silhouette_score(x, labels, **few)
    if y is not None:
        yield "adjusted_rand", metrics.adjusted_rand_score(y, labels)


def _log_confusion(exp: Experiment, model: Any, y: Any, predicted: Any, data: str) -> None:
    classes = np.unique(np.concatenate([np.asarray(model.classes_), np.unique(y)]))
    if len(classes) < 2:
        return  # there is nothing to confuse
    counts = metrics.confusion_matrix(y, predicted, labels=classes)
    cells = [
        (str(classes[row]), str(classes[column]), int(counts[row, column]))
        for row, column in zip(*counts.nonzero(), strict=True)
    ]
    exp.log_value(f"{data}/confusion", Table(["true", "predicted", "count"], cells), step=0)
    if len(classes) > _MOST_CLASSES:
        return
    from matplotlib.figure import Figure

    size = 2.5 + 0.3 * len(classes)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(counts, cmap="Blues")
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if counts[row, column] > counts.max() / 2 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    ticks = {"xticks": range(len(classes)), "yticks": range(len(classes))}
    axes.set(xlabel="predicted", ylabel="true", **ticks)
    axes.set_xticklabels(classes, rotation=90 if len(classes) > 10 else 0)
    axes.set_yticklabels(classes)
    exp.log_value(f"{data}/confusion_matrix", figure, step=0)

"""`wandb.sklearn`: charts of a fitted estimator, logged to the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import active
from .plot import bar, confusion_matrix, pr_curve, roc_curve
from .table import Table

__all__ = [
    "plot_class_proportions",
    "plot_confusion_matrix",
    "plot_feature_importances",
    "plot_precision_recall",
    "plot_roc",
    "plot_summary_metrics",
]


def _log(**charts: Any) -> None:
    active.required("sklearn").log(charts)


def plot_roc(
    y_true: Any = None, y_probas: Any = None, labels: Sequence[str] | None = None,
    plot_micro: bool = True, plot_macro: bool = True, classes_to_plot: Any = None,
) -> None:  # fmt: skip
    """Log the ROC curve of each class, as "roc"."""
    _log(roc=roc_curve(y_true, y_probas, labels, classes_to_plot))


def plot_precision_recall(
    y_true: Any = None, y_probas: Any = None, labels: Sequence[str] | None = None,
    plot_micro: bool = True, classes_to_plot: Any = None,
) -> None:  # fmt: skip
    """Log precision over recall for each class, as "precision_recall"."""
    _log(precision_recall=pr_curve(y_true, y_probas, labels, classes_to_plot))


def plot_confusion_matrix(
    y_true: Any = None, y_pred: Any = None, labels: Sequence[str] | None = None,
    true_labels: Any = None, pred_labels: Any = None, normalize: bool = False,
) -> None:  # fmt: skip
    """Log how often each class was taken for each, as "confusion_matrix"."""
    _log(confusion_matrix=confusion_matrix(y_true=y_true, preds=y_pred, class_names=labels))


def plot_feature_importances(
    model: Any = None, feature_names: Sequence[str] | None = None, title: str = "Feature Importance",
    max_num_features: int = 50,
) -> None:  # fmt: skip
    """Log the importance of each feature, largest first, as "feature_importances"."""
    import numpy as np

    found = getattr(model, "feature_importances_", None)
    if found is None:
        found = np.abs(np.asarray(model.coef_)).reshape(-1, np.asarray(model.coef_).shape[-1]).mean(0)  # fmt: skip
    names = feature_names
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    if names is None:
        names = [str(n) for n in range(len(found))]
    order = np.argsort(-np.asarray(found), kind="stable")[:max_num_features]
    table = Table(["feature_names", "importances"], [[str(names[n]), float(found[n])] for n in order])  # fmt: skip
    _log(feature_importances=bar(table, "feature_names", "importances", title))


def plot_class_proportions(
    y_train: Any = None, y_test: Any = None, labels: Sequence[str] | None = None
) -> None:
    """Log how many cases of each class there are to train and to test with, as "class_proportions"."""
    import numpy as np

    classes = np.unique(np.concatenate([np.asarray(y_train), np.asarray(y_test)]))
    rows = [
        [str(labels[n] if labels is not None else label), part, int((np.asarray(given) == label).sum())]
        for n, label in enumerate(classes.tolist())
        for part, given in (("train", y_train), ("test", y_test))
    ]  # fmt: skip
    table = Table(["class_names", "dataset", "count"], rows)
    _log(class_proportions=bar(table, "class_names", "count", "Class Proportions"))


def plot_summary_metrics(
    model: Any = None, X: Any = None, y: Any = None, X_test: Any = None, y_test: Any = None
) -> None:
    """Fit the estimator and log what its scores for the test data are, as "summary_metrics"."""
    from sklearn import metrics
    from sklearn.base import is_classifier

    model.fit(X, y)
    guessed = model.predict(X_test)
    if is_classifier(model):
        options: dict[str, Any] = {"average": "weighted", "zero_division": 0}
        scores = {
            "accuracy_score": metrics.accuracy_score(y_test, guessed),
            "precision": metrics.precision_score(y_test, guessed, **options),
            "recall": metrics.recall_score(y_test, guessed, **options),
            "f1_score": metrics.f1_score(y_test, guessed, **options),
        }
    else:
        scores = {
            "mae": metrics.mean_absolute_error(y_test, guessed),
            "mse": metrics.mean_squared_error(y_test, guessed),
            "r2_score": metrics.r2_score(y_test, guessed),
        }
    table = Table(["metric_name", "metric_value"], [[name, float(value)] for name, value in scores.items()])  # fmt: skip
    _log(summary_metrics=bar(table, "metric_name", "metric_value", "Summary Metrics"))

"""`wandb.plot`: charts, each kept as the table that it is drawn from, with what it shows beside it."""

from __future__ import annotations

from .media import Media
from .table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

__all__ = [
    "CustomChart",
    "CustomChartSpec",
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "plot_table",
    "pr_curve",
    "roc_curve",
    "scatter",
]


class CustomChartSpec:
    """How a table is drawn.

    Attributes:
        spec_name: The kind of chart.
        fields: Which column is what.
        string_fields: Texts beside it, such as the title.
        key: The name that it was logged by.
    """

    def __init__(
        self,
        spec_name: str,
        fields: dict[str, Any],
        string_fields: dict[str, Any],
        key: str = "",
        panel_type: str = "Vega2",
        split_table: bool = False,
    ) -> None:
        self.spec_name = spec_name
        self.fields = fields
        self.string_fields = string_fields
        self.key = key
        self.panel_type = panel_type
        self.split_table = split_table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CustomChartSpec) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it can be changed


class CustomChart(Media):
    """A table and how to draw it; logged as a table of the name given to `log`."""

    _type = "custom-chart"

    def __init__(self, table: Table, spec: CustomChartSpec) -> None:
        self.table = table
        self.spec = spec

    def set_key(self, key: str) -> None:
        """Say by which name it is logged."""
        self.spec.key = key

    @property
    def native(self) -> Any:
        """The table."""
        return self.table.native

    def facts(self) -> dict[str, Any]:
        said = ("spec_name", "fields", "string_fields")
        return {"_type": self._type, "chart": {name: getattr(self.spec, name) for name in said}}

    def told(self) -> dict[str, Any]:
        return self.facts() | {"nrows": len(self.table.data)}


def plot_table(
    vega_spec_name: str,
    data_table: Table,
    fields: dict[str, Any],
    string_fields: dict[str, Any] | None = None,
    split_table: bool = False,
) -> CustomChart:
    """A chart of any kind: the name of its specification, its table, and which column is what.

    Raises:
        TypeError: It is no table.
    """
    if not isinstance(data_table, Table):
        raise TypeError(
            f"Expected `data_table` to be wandb.Table type, got {type(data_table).__name__}"
        )
    spec = CustomChartSpec(
        vega_spec_name, dict(fields), dict(string_fields or {}), split_table=split_table
    )
    return CustomChart(data_table, spec)


def line(
    table: Table,
    x: str,
    y: str,
    stroke: str | None = None,
    title: str = "",
    split_table: bool = False,
) -> CustomChart:
    """A line through two columns; `stroke` tells several lines apart."""
    fields = {"x": x, "y": y, "stroke": stroke}
    return plot_table("wandb/line/v0", table, fields, {"title": title}, split_table)


def scatter(
    table: Table, x: str, y: str, title: str = "", split_table: bool = False
) -> CustomChart:
    """Points at two columns."""
    return plot_table("wandb/scatter/v0", table, {"x": x, "y": y}, {"title": title}, split_table)


def bar(
    table: Table, label: str, value: str, title: str = "", split_table: bool = False
) -> CustomChart:
    """A bar a row."""
    return plot_table(
        "wandb/bar/v0", table, {"label": label, "value": value}, {"title": title}, split_table
    )


def histogram(table: Table, value: str, title: str = "", split_table: bool = False) -> CustomChart:
    """How often the values of a column fall into bins."""
    return plot_table("wandb/histogram/v0", table, {"value": value}, {"title": title}, split_table)


def line_series(
    xs: Iterable[Any],
    ys: Iterable[Iterable[Any]],
    keys: Iterable[str] | None = None,
    title: str = "",
    xname: str = "x",
    split_table: bool = False,
) -> CustomChart:
    """Several lines, over the same `xs` or each over its own.

    Raises:
        ValueError: There are not as many lists of `xs`, or of `keys`, as of `ys`.
    """
    given, wanted = list(xs), list(ys)
    each = bool(given) and hasattr(given[0], "__iter__") and not isinstance(given[0], str)
    if each and len(given) != len(wanted):
        raise ValueError(f"Number of x-lists ({len(given)}) must match y-lists ({len(wanted)}).")
    lines = [list(one) for one in wanted]
    places = [list(one) for one in given] if each else [given] * len(lines)
    names = [f"line_{at}" for at in range(len(lines))] if keys is None else list(keys)
    if len(names) != len(lines):
        raise ValueError(f"Number of keys ({len(names)}) must match y-lists ({len(lines)}).")
    rows = [
        [x, name, y]
        for x_line, y_line, name in zip(places, lines, names, strict=True)
        for x, y in zip(x_line, y_line, strict=False)
    ]
    table = Table(columns=["step", "lineKey", "lineVal"], data=rows)
    fields = {"step": "step", "lineKey": "lineKey", "lineVal": "lineVal"}
    return plot_table(
        "wandb/lineseries/v0", table, fields, {"title": title, "xname": xname}, split_table
    )


def confusion_matrix(
    probs: Any = None,
    y_true: Any = None,
    preds: Any = None,
    class_names: Sequence[str] | None = None,
    title: str = "Confusion Matrix Curve",
    split_table: bool = False,
) -> CustomChart:
    """How often each class was taken for each, from probabilities or predicted classes (numbers, or names).

    Raises:
        ValueError: Neither or both of `probs` and `preds` are given, or they do not fit `y_true`.
    """
    import numpy as np

    if y_true is None or (probs is None) == (preds is None):
        raise ValueError("confusion_matrix() needs y_true, and one of probs and preds.")
    guessed = list(np.argmax(_listed(probs), axis=1)) if probs is not None else list(_listed(preds))
    truth = list(_listed(y_true))
    if len(guessed) != len(truth):
        raise ValueError("Number of predictions and label sequences must match.")
    if class_names is not None:
        names = [str(name) for name in class_names]
        known: list[Any] = names if _are_texts(truth + guessed) else list(range(len(names)))
    else:
        known = sorted({*truth, *guessed})  # as in wandb, the classes that are there, numbered
        texts = _are_texts(known)
        names = [str(c) if texts else f"Class_{n}" for n, c in enumerate(known, 1)]
    at = {value: number for number, value in enumerate(known)}
    counts = np.zeros((len(known), len(known)), int)
    for actual, predicted in zip(truth, guessed, strict=True):
        for one in (actual, predicted):
            if one not in at:
                raise ValueError(f"There is no class {one!r} among the {len(names)} classes.")
        counts[at[actual], at[predicted]] += 1
    rows = [
        [names[i], names[j], int(counts[i, j])]
        for i in range(len(names))
        for j in range(len(names))
    ]
    columns = ["Actual", "Predicted", "nPredictions"]
    table = Table(columns=columns, data=rows)
    return plot_table(
        "wandb/confusion_matrix/v1", table, {c: c for c in columns}, {"title": title}, split_table
    )


def roc_curve(
    y_true: Any,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    title: str = "ROC Curve",
    split_table: bool = False,
) -> CustomChart:
    """True positives over false positives, a line a class: one for every threshold that there is."""
    rows = []
    for name, hits, scores in _per_class(y_true, y_probas, labels, classes_to_plot):
        tps, fps = _cumulated(hits, scores)
        tpr = [0.0, *(tps / max(tps[-1], 1))]
        fpr = [0.0, *(fps / max(fps[-1], 1))]
        rows += [
            [name, round(float(f), 3), round(float(t), 3)] for f, t in zip(fpr, tpr, strict=True)
        ]
    table = Table(columns=["class", "fpr", "tpr"], data=rows)
    fields = {"x": "fpr", "y": "tpr", "class": "class"}
    strings = {
        "title": title,
        "x-axis-title": "False positive rate",
        "y-axis-title": "True positive rate",
    }
    return plot_table("wandb/area-under-curve/v0", table, fields, strings, split_table)


def pr_curve(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    interp_size: int = 21,
    title: str = "Precision-Recall Curve",
    split_table: bool = False,
) -> CustomChart:
    """Precision over recall, a line a class, at `interp_size` places of recall from 1 to 0."""
    import numpy as np

    rows = []
    for name, hits, scores in _per_class(y_true, y_probas, labels, classes_to_plot):
        tps, fps = _cumulated(hits, scores)
        precision = tps / (tps + fps)
        recall = tps / max(tps[-1], 1)
        for wanted in np.linspace(1, 0, interp_size):
            reached = precision[recall >= wanted - 1e-12]
            rows.append(
                [name, round(float(reached[0] if wanted else 1.0), 3), round(float(wanted), 3)]
            )
    table = Table(columns=["class", "precision", "recall"], data=rows)
    fields = {"x": "recall", "y": "precision", "class": "class"}
    strings = {"title": title, "x-axis-title": "Recall", "y-axis-title": "Precision"}
    return plot_table("wandb/area-under-curve/v0", table, fields, strings, split_table)


def _per_class(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None, chosen: Sequence[Any] | None
) -> list[tuple[Any, Any, Any]]:
    """Name, whether each case is of the class, and its probability of being so, for each class."""
    import numpy as np

    if y_true is None or y_probas is None:
        raise ValueError("A curve needs y_true and y_probas.")
    truth, probas = np.asarray(_listed(y_true)), np.asarray(_listed(y_probas), float)
    if len(truth) != len(probas) or probas.ndim != 2:
        raise ValueError(
            f"y_probas needs a row for each of the {len(truth)} cases and a column for each class; its shape is "
            f"{probas.shape}."
        )
    classes = np.unique(truth)
    found = []
    for number, label in enumerate(classes):
        if (chosen is None or label in chosen) and number < probas.shape[1]:
            column = int(label) if truth.dtype.kind in "iu" and label < probas.shape[1] else number
            name = str(labels[column]) if labels is not None else label.item()
            found.append((name, truth == label, probas[:, column]))
    return found


def _cumulated(hits: Any, scores: Any) -> tuple[Any, Any]:
    """How many are rightly and wrongly taken for the class, for each threshold from the highest down."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    hits, scores = hits[order], scores[order]
    ends = np.append(np.nonzero(np.diff(scores))[0], len(scores) - 1)
    right = np.cumsum(hits)[ends]
    return right, ends + 1 - right


def _listed(values: Any) -> Any:
    if callable(getattr(values, "detach", None)):
        values = values.detach().cpu()
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _are_texts(values: Any) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values)

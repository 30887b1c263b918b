"""What `diff` answers: the verdict on two experiments, or on two groups of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import InvalidValue

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..reproduce.groups import Margins, NoiseVerdict, Taken
    from ..reproduce.judgement import Judgement
    from ..reproduce.verdict import Tolerance
    from ..store import Store

__all__ = [
    "DiffOptions",
    "diff_document",
    "difference_of",
    "groups_of",
    "margins_of",
    "tolerance_of",
]


class DiffOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew diff`, without running anything again.

    Attributes:
        rtol: The largest difference relative to the first that counts as equal, `NUMBER` or `PATTERN=NUMBER`; `atol` the largest absolute one.
        metric: Patterns of the metrics that are compared; `ignore` of those that are not.
        equivalent: Margins, `MARGIN` or `PATTERN=MARGIN`; then two groups of runs are compared.
        value: With `equivalent`: which value of a curve stands for the run.
    """

    first: str
    second: str
    rtol: tuple[str, ...] = ()
    atol: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    equivalent: tuple[str, ...] = ()
    value: Literal["last", "min", "max", "mean"] = "last"


def difference_of(store: Store, question: DiffOptions) -> Judgement:
    """The verdict on two experiments, point by point."""
    from ..reproduce.comparison import compare

    return compare(
        store, store.get(question.first), store.get(question.second),
        tolerance=tolerance_of(question.rtol, question.atol), only=question.metric, ignore=question.ignore,
        sides=("the first", "the second"),
    )  # fmt: skip


def diff_document(store: Store, question: DiffOptions) -> dict[str, Any]:
    """What `diff` answers."""
    margins = margins_of(question.equivalent)
    if margins is None:
        return difference_of(store, question).to_dict()
    a, b = store.get(question.first), store.get(question.second)
    return groups_of(
        store, a, b, margins, only=question.metric, ignore=question.ignore, taken=question.value
    ).to_dict()


def tolerance_of(rtol: Sequence[str], atol: Sequence[str]) -> Tolerance:
    """The tolerance that these options ask for.

    Raises:
        InvalidValue: One is no number of 0 or more.
    """
    from ..reproduce.verdict import Tolerance

    general = {"rtol": 0.0, "atol": 0.0}
    patterns: list[tuple[str, float | None, float | None]] = []
    for name, texts in (("rtol", rtol), ("atol", atol)):
        for text in texts:
            pattern, equals, number = text.rpartition("=")
            try:
                value = float(number)
            except ValueError:
                value = -1.0
            if not 0 <= value < float("inf"):
                raise InvalidValue(f"{name}: {text!r} is no number of 0 or more.", key=name)
            if not equals:
                general[name] = value
            else:
                patterns.append(
                    (pattern, value, None) if name == "rtol" else (pattern, None, value)
                )
    return Tolerance(general["rtol"], general["atol"], patterns)


def margins_of(texts: Sequence[str]) -> Margins | None:
    """The margins that `equivalent` asks for; None where it was not given.

    Raises:
        InvalidValue: One is no margin, or none is for all metrics.
    """
    from ..reproduce.equivalence import Margin
    from ..reproduce.groups import Margins

    general = None
    patterns: list[tuple[str, Margin]] = []
    for text in texts:
        pattern, equals, size = text.rpartition("=")
        try:
            margin = Margin.parse(size)
        except ValueError:
            raise InvalidValue(
                f"{size!r} is no margin: give a number above 0, such as 0.01, 2% or 2sd.", key="equivalent"
            ) from None  # fmt: skip
        if equals:
            patterns.append((pattern, margin))
        else:
            general = margin
    if not texts:
        return None
    return Margins(general, patterns)


def groups_of(
    store: Store,
    a: ExperimentView,
    b: ExperimentView,
    margins: Margins,
    *,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    taken: Taken,
) -> NoiseVerdict:
    """The verdict on two experiments and what differs from each in its seed only."""
    from ..reproduce.groups import compare_groups, siblings

    first = [a, *siblings(store, a)]
    known = {view.id for view in first}
    second = [b, *(view for view in siblings(store, b) if view.id not in known)]
    return compare_groups(
        [(store, view) for view in first if view.id != b.id], [(store, view) for view in second], margins,
        only=only, ignore=ignore, taken=taken,
    )  # fmt: skip

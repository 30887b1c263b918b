"""Asking a store for what the file shows, within bounds: the file stays small enough to be sent."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import AnewError, NotFound
from ..plots.labels import differing, flat, labels, shown
from ..reading.pictures import kind_of, smaller
from .content import Content, Curves, Difference, Field, Picture, Row, Run

if TYPE_CHECKING:
    from ..plots.lines import Floats
    from ..reading.files import ValueView
    from ..reading.history import Series
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["gather"]

MOST_POINTS = 100_000  # about 1.6 megabytes
MOST_OF_A_CURVE = 1000
FEWEST_OF_A_CURVE = 24
MOST_METRICS = 40
MOST_FIELDS = 24
MOST_PICTURE_BYTES = 6_000_000
MOST_PICTURES = 120
_DULL = ("epoch", "lr", "time", "step", "learning_rate")


def gather(
    store: Store,
    views: Sequence[ExperimentView],
    *,
    metrics: Sequence[str] = (),
    title: str = "",
    about: str = "",
    pictures: bool = True,
) -> Content:
    """Everything that a file about these experiments shows.

    Args:
        metrics: The metrics to draw, in order, the first one ranking the experiments; by default those that most of
            them logged, results on held-out data first, and none of the machine's.
        pictures: Whether to put images and figures in.

    Raises:
        NotFound: There are no experiments, or none logged one of the metrics.
    """
    if not views:
        raise NotFound("There is no experiment to write: the selection is empty.")
    said: list[str] = []
    drawn = _metrics(views, metrics, said)
    main = drawn[0] if drawn else None
    named = labels(views)
    known = [{**flat(v.config or {}), **flat(v.params)} for v in views]
    telling = _telling(known)
    if len(telling) > MOST_FIELDS:
        said.append(
            f"{len(telling) - MOST_FIELDS} of {len(telling)} differing parameters are not columns of the table."
        )
    verdicts = _verdicts(store, views)
    everywhere = [key for key in known[0] if all(key in one for one in known)]
    same = [key for key in everywhere if key not in set(telling)]
    return Content(
        title=title or _common(views),
        about=about,
        runs=tuple(
            Run(
                one.id, one.prefix, named[one.id], str(one.status), one.created_at, one.duration,
                tuple(tag if text is None else f"{tag}: {text}" for tag, text in one.tags.items()),
                None if main is None else _best(one, main),
                verdicts.get(one.id),
            )
            for one in views
        ),
        main=main,
        curves=tuple(_curves(store, views, drawn, said)),
        fields=tuple(
            Field(key, tuple(_cell(one.get(key)) for one in known)) for key in telling[:MOST_FIELDS]
        ),
        same=tuple(f"{key} {shown(known[0][key])}" for key in same),
        headline=tuple(Field(name, tuple(_best(one, name) for one in views)) for name in drawn[:3]),
        rows=tuple(_rows(views, known, telling)),
        difference=_difference(store, views),
        pictures=tuple(_pictures(views, said)) if pictures else (),
        said=tuple(said),
    )  # fmt: skip


def _common(views: Sequence[ExperimentView]) -> str:
    """What all prefixes begin with, in whole segments; the prefix of a single one."""
    split = [view.prefix.split("/") for view in views]
    if len(split) == 1:
        return views[0].prefix
    common = []
    for parts in zip(*split, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common) or "Experiments"


def _metrics(views: Sequence[ExperimentView], asked: Sequence[str], said: list[str]) -> list[str]:
    counts = Counter(name for view in views for name in view.metrics)
    if asked:
        for name in asked:
            if name not in counts:
                from ..query.suggest import nearest

                near = nearest(name, counts)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise NotFound(
                    f"None of the experiments logged {name!r}.{hint}", name=name, nearest=near
                )
        return list(dict.fromkeys(asked))

    def rank(name: str) -> tuple[int, int, int]:
        lower = name.lower()
        held_out = any(word in lower for word in ("val", "test", "eval", "dev"))
        result = any(word in lower for word in ("loss", "acc", "error", "f1", "auc", "reward"))
        dull = any(part in _DULL for part in lower.replace("_", "/").split("/"))
        return (4 * dull - 2 * result - held_out, -counts[name], order[name])

    names = [name for name in counts if not name.startswith("system/")]
    order = {name: place for place, name in enumerate(names)}
    names.sort(key=rank)
    if len(names) > MOST_METRICS:
        said.append(
            f"{MOST_METRICS} of {len(names)} metrics are drawn; name others with -m to draw them."
        )
    return names[:MOST_METRICS]


def _best(view: ExperimentView, metric: str) -> float | None:
    best = view.metrics[metric].best() if metric in view.metrics else None
    return best if best is not None and math.isfinite(best) else None


def _telling(known: Sequence[dict[str, Any]]) -> list[str]:
    """What differs; what has a value of its own in every experiment, such as an output path, comes last."""
    keys = differing(known)
    if len(known) < 3:
        return keys
    kinds = {key: len({repr(one.get(key)) for one in known}) for key in keys}
    return sorted(keys, key=lambda key: kinds[key] == len(known))


def _cell(value: Any) -> float | str | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and abs(value) < 1e300 else str(value)
    return shown(value)[:200]


# -- curves -----------------------------------------------------------------------------------------


def _curves(
    store: Store, views: Sequence[ExperimentView], metrics: Sequence[str], said: list[str]
) -> list[Curves]:
    places = {view.id: place for place, view in enumerate(views)}
    began = [view.started_at or view.created_at for view in views]
    count = sum(1 for view in views for name in metrics if name in view.metrics)
    if not count:
        return []
    each = max(FEWEST_OF_A_CURVE, min(MOST_OF_A_CURVE, MOST_POINTS // count))
    found: list[Curves] = []
    drawn = logged = 0
    for name in metrics:
        having = [view.id for view in views if name in view.metrics]
        history = store.history(having, [name], points=each)
        series = [one for one in history if len(one)]
        if not series:
            continue
        runs = [places[one.experiment_id] for one in series]
        betters = {views[run].metrics[name].better for run in runs}
        better = betters.pop() if len(betters) == 1 else None
        found.append(_packed(name, better, series, runs, began))
        drawn += sum(len(one) for one in series)
        logged += found[-1].points
    if drawn < logged:
        said.append(
            f"Curves are thinned to {drawn:,} of {logged:,} points, at most about {each:,} for each; the smallest and "
            "largest of each stretch are kept."
        )
    return found


def _packed(
    name: str,
    better: Literal["min", "max"] | None,
    series: Sequence[Series],
    runs: Sequence[int],
    began: Sequence[float],
) -> Curves:
    steps = np.concatenate([one.steps.astype(np.float64) for one in series])
    first = float(steps.min())
    parts: tuple[Floats, ...] = (
        steps - first,
        np.concatenate([one.times - began[run] for one, run in zip(series, runs, strict=True)]),
        np.concatenate([one.values for one in series]),
    )
    small = all(_fits(part) for part in parts)
    packed = np.concatenate(parts).astype("<f4" if small else "<f8")
    return Curves(
        name=name,
        better=better,
        bytes=4 if small else 8,
        first=first,
        data=base64.b64encode(packed.tobytes()).decode(),
        runs=tuple(runs),
        counts=tuple(len(one) for one in series),
        points=sum(one.total for one in series),
    )


def _fits(numbers: Floats) -> bool:
    """Whether single precision shows the same curve."""
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return True
    with np.errstate(over="ignore", under="ignore"):
        off = np.abs(finite.astype(np.float32).astype(np.float64) - finite)
    smallest = np.abs(finite[finite != 0]).min(initial=1.0)
    return bool(off.max() <= 1e-5 * float(np.ptp(finite)) and smallest > 1e-37)


# -- what differs -----------------------------------------------------------------------------------


def _rows(
    views: Sequence[ExperimentView], known: Sequence[dict[str, Any]], telling: Sequence[str]
) -> list[Row]:
    """What differs, with how many experiments have each value; what was captured of the runs comes first."""
    captured = {
        "commit": [_short(view.git.get("commit")) for view in views],
        "uncommitted changes": [view.git.get("dirty") for view in views],
        "host": [view.host for view in views],
    }
    table = {what: values for what, values in captured.items() if len(set(values)) > 1}
    table |= {key: [one.get(key) for one in known] for key in telling}
    rows = []
    for what, values in table.items():
        counts = Counter("none" if value is None else shown(value)[:120] for value in values)
        rows.append(Row(what, tuple(sorted(counts.items(), key=_by_value))))
    return rows


def _by_value(item: tuple[str, int]) -> tuple[int, float, str]:
    try:
        return (0, float(item[0]), "")
    except ValueError:
        return (1, 0.0, item[0])


def _short(commit: Any) -> str | None:
    return str(commit)[:10] if commit else None


def _verdicts(store: Store, views: Sequence[ExperimentView]) -> dict[str, str]:
    """Whether results came back, by the ids of those that were run again or that are re-runs; the newest verdict counts."""
    again = list(store.list("relation == 'reproduces'", sort="created_at", reproductions=True))
    found: dict[str, str] = {}
    ids = {view.id for view in views}
    for one in (*again, *(view for view in views if view.relation == "reproduces")):
        said = one.captured.get("reproduction")
        verdict = said.get("verdict") if isinstance(said, dict) else None
        if isinstance(verdict, str) and verdict:
            found |= {
                id_: verdict for id_ in (one.parent, one.id) if id_ in ids and id_ is not None
            }
    return found


def _difference(store: Store, views: Sequence[ExperimentView]) -> Difference | None:
    if len(views) != 2:
        return None
    from ..reproduce.comparison import compare

    a, b = views
    found = compare(store, a, b, sides=("the first", "the second"))
    return Difference(
        verdict=found.verdict.value,
        reason=found.reason,
        metrics=tuple((one.metric, one.verdict.value, one.reason) for one in found.metrics[:50]),
        causes=tuple(one.text for one in found.differences[:50]),
    )


# -- pictures ---------------------------------------------------------------------------------------


def _pictures(views: Sequence[ExperimentView], said: list[str]) -> list[Picture]:
    """The last picture of each name, the first experiments first, as long as there is room."""
    found: list[Picture] = []
    room, left_out = MOST_PICTURE_BYTES, 0
    for place, view in enumerate(views):
        last: dict[str, ValueView] = {}
        for value in (*view.values(kind="image"), *view.values(kind="figure")):
            last[value.name] = value
        for name, value in last.items():
            try:
                data = value.read_bytes()
            except (AnewError, OSError):
                left_out += 1
                continue
            kind = kind_of(data)
            if kind is not None:
                data, kind = smaller(data, kind)
            if kind is None or len(data) > room or len(found) >= MOST_PICTURES:
                left_out += 1
                continue
            room -= len(data)
            url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
            found.append(Picture(place, name, value.step, url))
    if left_out:
        said.append(
            f"{left_out} of {left_out + len(found)} images and figures are not in this file: they cannot be shown in a page, or there "
            f"was no room (at most {MOST_PICTURES}, {MOST_PICTURE_BYTES // 1_000_000} MB together)."
        )
    return found

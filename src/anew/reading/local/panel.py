"""Metrics of many experiments on one grid, or point by point, from every point of a series store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from ...errors import InvalidValue
from ...query.arrays import Bools, Floats, Ints
from ...query.buckets import Buckets, Filling, GroupBuckets, grouped
from ...query.density import Crossings, Density, DensityQuestion
from ...query.grid import Grid, Places, Rule
from ...query.panel import (
    Panel,
    PanelGroup,
    PanelPoints,
    PanelQuestion,
    PanelSeries,
    PanelTotals,
)
from ...query.smoothing import smoothed
from ...stores.series.protocol import SeriesStore
from .panel_reading import Beyond, Member, PanelReading, Piece, smallest_step

__all__ = ["Member", "read_panel"]

MAX_BUCKETS = 20_000
MAX_CELLS = 4_000_000
MAX_GROUPS = 1000
_TOGETHER = 2_000_000
"""Of points and cells, how many are gone through together to count the lines in cells."""
_MARGIN = 0.04
"""Part of the range of values that is left free above and below."""
_DISTINCT = 4
"""A group's statistics are given at each place while there are up to so many times as many places as buckets."""


def read_panel(store: SeriesStore, members: Sequence[Member], question: PanelQuestion) -> Panel:
    """The answer to a question about these experiments.

    Raises:
        InvalidValue: The question cannot be answered: there are no buckets or too many, the smoothing is not in [0, 1), a
            quantile is not in [0, 1], or it is not said which metric is x.
    """
    _check(question)
    if question.group and len({one.group for one in members}) > MAX_GROUPS:
        fields = ", ".join(one.text for one in question.group)
        raise InvalidValue(
            f"{fields} makes more than {MAX_GROUPS} groups, which nobody tells apart: group by other fields, or filter.",
            key="group",
        )
    origin = None if question.origin is None else _integer(question.origin)
    try:
        return _answer(PanelReading(store, members, question, origin))
    except Beyond:
        origin = smallest_step(store, members, question.metrics)
        return _answer(PanelReading(store, members, question, origin))


def _check(question: PanelQuestion) -> None:
    if not 0 < question.buckets <= MAX_BUCKETS:
        raise InvalidValue(
            f"A panel must have between 1 and {MAX_BUCKETS} buckets, not {question.buckets}.",
            key="buckets",
        )
    smoothed(np.zeros(0), question.smooth)  # refuses what is no weight before anything is read
    if not all(0 <= one <= 1 for one in (*question.quantiles, *(question.robust or ()))):
        raise InvalidValue("A quantile must be between 0 and 1.", key="quantiles")
    density = question.density
    if density is not None:
        if question.group or question.attempts:
            raise InvalidValue("A density goes without groups and attempts.", key="density")
        if density.rows < 1 or density.rows * question.buckets > MAX_CELLS:
            raise InvalidValue(
                f"A density must have between 1 and {MAX_CELLS:,} cells.", key="density"
            )
    if (question.x == "metric") != (question.x_metric is not None):
        raise InvalidValue("x_metric must be given where x is 'metric', and only there.", key="x")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidValue(
            f"The origin of steps must be an integer, not {text!r}.", key="origin"
        ) from None


def _answer(read: PanelReading) -> Panel:
    question, members, names = read.question, read.members, read.names
    rows = [
        (number, metric, attempt)
        for metric, name in enumerate(names)
        for number, member in enumerate(members)
        if name in member.metrics
        for attempt in range(len(member.openings) if question.attempts else 1)
    ]
    grid = read.grid()
    if grid is None:
        return _nothing(read)
    numbers = _numbered(rows)
    totals, counts, robust = _totals(read, grid, len(rows), numbers)
    if question.density is not None:
        ids = [members[number].place.experiment_id for number, _, _ in rows]
        density = _density(read, grid, ids, numbers, question.density, robust)
        every = PanelTotals(*(np.array([one.sum()]) for one in msgspec.structs.astuple(totals)))
        nothing = Filling(0, Grid(0, 0, 1), ()).buckets()
        left_out = tuple(dict.fromkeys(read.left_out))
        return Panel(
            grid, (), nothing, every, str(read.origin), robust=robust, left_out=left_out, density=density
        )  # fmt: skip
    exact = None
    if 0 < int(totals.inside.sum()) <= question.points and read.held:
        exact = _every_point(read, grid, len(rows), numbers)
    given = question.columns if exact is None else ()
    buckets = _filled(read, grid, len(rows), numbers, given).buckets()
    groups: dict[tuple[int, tuple[object, ...]], int] = {}
    told = bool(question.group)
    of = [groups.setdefault((metric, members[n].group), len(groups)) for n, metric, _ in rows]
    sizes = Counter(of)
    places, adding = None, None
    if told:
        places, adding = _groups(read, grid, buckets, of, len(groups), numbers)
    return Panel(
        grid,
        tuple(
            PanelSeries(
                members[number].place.experiment_id,
                names[metric],
                int(counts[row]),
                of[row] if told else None,
                attempt if question.attempts else None,
            )
            for row, (number, metric, attempt) in enumerate(rows)
        ),
        buckets,
        totals,
        str(read.origin),
        exact,
        tuple(
            PanelGroup(values, names[metric], sizes[number])  # type: ignore[arg-type]
            for (metric, values), number in groups.items()
        )
        if told
        else (),
        adding,
        places,
        robust,
        tuple(dict.fromkeys(read.left_out)),
    )


def _nothing(read: PanelReading) -> Panel:
    none = np.zeros(0, np.int64)
    empty = Filling(0, Grid(0, 0, 1)).buckets()
    left_out = tuple(dict.fromkeys(read.left_out))
    totals = PanelTotals(none, none, none, none, none)
    return Panel(None, (), empty, totals, str(read.origin), left_out=left_out)


Numbers = Callable[[Piece], Ints]


def _numbered(rows: Sequence[tuple[int, int, int]]) -> Numbers:
    """Says which rows the series of a piece are, by the member, the metric and the attempt of each row."""
    keys = np.array(rows, np.int64).reshape(-1, 3)
    many = keys.max(axis=0, initial=0) + 1
    places = _places_in(many, keys.T)
    order = np.argsort(places)
    ascending = places[order]

    def numbers(piece: Piece) -> Ints:
        wanted = _places_in(many, (piece.member, piece.metric, piece.attempt))
        found: Ints = order[np.searchsorted(ascending, wanted)]
        return found

    return numbers


def _places_in(many: Ints, of: Sequence[Ints] | Ints) -> Ints:
    """Three numbers as one, each less than `many` of its kind."""
    return np.asarray((of[0] * many[1] + of[1]) * many[2] + of[2], np.int64)


def _totals(
    read: PanelReading, grid: Grid, rows: int, numbers: Numbers
) -> tuple[PanelTotals, Ints, tuple[float, float] | None]:
    """What every point adds up to, how many points each row has in all, and the robust range if it was asked for."""
    inside, nan, infinite, low, unplaced, counts = (np.zeros(rows, np.int64) for _ in range(6))
    values: list[Floats] = []
    for piece in read.pieces():
        row = numbers(piece)
        np.add.at(counts, row, piece.all)
        here = (piece.x >= grid.start) & (piece.x <= grid.stop)
        finite = np.isfinite(piece.value)
        each = [(inside, here), (low, (piece.value <= 0) & finite & here)]
        if not finite.all():
            missing = np.isnan(piece.value)
            each += [(nan, here & missing), (infinite, here & ~finite & ~missing)]
        if not here.all():
            lost = np.isnan(piece.x)
            each.append((unplaced, lost | (piece.x <= 0) if grid.spacing == "log" else lost))
        for into, which in each:
            np.add.at(into, row, _counted(which, piece.counts))
        if read.question.robust is not None:
            values.append(piece.value[here & finite])
    robust = None
    if read.question.robust is not None and any(map(len, values)):
        ends = np.quantile(np.concatenate(values), read.question.robust)
        robust = float(ends[0]), float(ends[1])
    return PanelTotals(inside, nan, infinite, low, unplaced), counts, robust


def _counted(which: Bools, counts: Ints) -> Ints:
    """How many of each series' points are meant."""
    if which.all():
        return counts
    if len(counts) == 1:
        return np.array([np.count_nonzero(which)])
    if not which.any():
        return np.zeros(len(counts), np.int64)
    summed = np.concatenate(([0], np.cumsum(which)))
    return np.diff(summed[np.cumsum(counts)], prepend=0)


def _filled(
    read: PanelReading, rule: Rule, rows: int, numbers: Numbers, columns: Sequence[str]
) -> Filling:
    if not columns:
        return Filling(0, rule, ())
    filling = Filling(rows, rule, columns)  # type: ignore[arg-type]
    for piece in read.pieces():
        row = numbers(piece)
        one = int(row[0]) if len(row) == 1 else row.repeat(piece.counts)
        filling.add(one, piece.x, piece.value)
    return filling


def _every_point(read: PanelReading, grid: Grid, rows: int, numbers: Numbers) -> PanelPoints:
    """All points in the range; series with the same places share them."""
    base = grid.start if read.question.x in ("time", "relative") else 0.0
    alike = _alike(read, grid, rows, numbers)
    if alike is not None:
        place, each = alike
        starts = np.arange(rows + 1, dtype=np.int64) * len(place)
        return PanelPoints(starts, place - base, np.zeros(rows, np.int64), each.reshape(-1), base)
    xs: list[list[Floats]] = [[] for _ in range(rows)]
    values: list[list[Floats]] = [[] for _ in range(rows)]
    for piece in read.pieces():
        here = (piece.x >= grid.start) & (piece.x <= grid.stop)
        whole = bool(here.all())
        begin = 0
        for row, count in zip(numbers(piece).tolist(), piece.counts.tolist(), strict=True):
            mine = slice(begin, begin + count)
            begin += count
            x, value = piece.x[mine], piece.value[mine]
            if not whole:
                x, value = x[here[mine]], value[here[mine]]
            xs[row].append(x)
            values[row].append(value)
    pool: dict[bytes, int] = {}
    kept: list[Floats] = []
    x_starts, ends, at = [], [0], 0
    for row in range(rows):
        x = xs[row][0] if len(xs[row]) == 1 else np.concatenate([np.zeros(0), *xs[row]])
        value = values[row][0] if len(xs[row]) == 1 else np.concatenate([np.zeros(0), *values[row]])
        if not np.all(x[1:] >= x[:-1]):
            order = np.argsort(x, kind="stable")
            x, value = x[order], value[order]
        values[row] = [value]
        ends.append(ends[-1] + len(x))
        key = x.tobytes()
        if key not in pool:
            pool[key] = at
            kept.append(x)
            at += len(x)
        x_starts.append(pool[key])
    return PanelPoints(
        np.array(ends, np.int64),
        np.concatenate([np.zeros(0), *kept]) - base,
        np.array(x_starts, np.int64),
        np.concatenate([np.zeros(0), *(one for each in values for one in each)]),
        base,
    )


def _alike(
    read: PanelReading, grid: Grid, rows: int, numbers: Numbers
) -> tuple[Floats, Floats] | None:
    """The places in the range that all series have, ascending, and the values there with a row for each series.

    None where the series have other places than one another, as those of a search have that stops some early.
    """
    places: Floats | None = None
    found: list[tuple[Ints, Floats]] = []
    for piece in read.pieces():
        count = int(piece.counts[0]) if len(piece.counts) else 0
        if not count or not np.all(piece.counts == count):
            return None
        x = piece.x.reshape(-1, count)
        if places is None:
            places = x[0]
        if len(places) != count or not np.all(x == places):
            return None
        found.append((numbers(piece), piece.value.reshape(-1, count)))
    if places is None or not np.all(places[1:] >= places[:-1]):
        return None
    row = np.concatenate([of for of, _ in found])
    if not np.array_equal(np.sort(row), np.arange(rows)):
        return None
    begin, end = np.searchsorted(places, grid.start), np.searchsorted(places, grid.stop, "right")
    values = np.concatenate([each[:, begin:end] for _, each in found])
    return places[begin:end], values[np.argsort(row)]


def _groups(
    read: PanelReading,
    grid: Grid,
    buckets: Buckets,
    of: Sequence[int],
    groups: int,
    numbers: Numbers,
) -> tuple[Floats | None, GroupBuckets]:
    """What the groups add up to: at each place where there are few enough, else in the buckets of the grid."""
    alike = _alike(read, grid, len(of), numbers) if read.held else None
    if alike is not None:
        shared, each = alike
        apart = bool(np.all(shared[1:] > shared[:-1]))
        if apart and 0 < len(shared) <= _DISTINCT * grid.buckets:
            alone = np.where(np.isfinite(each), each, np.nan)
            return shared, grouped(alone, of, groups, read.question.quantiles)
    places = _few_places(read, grid) if read.held else None
    if places is None and len(buckets.mean):
        mean = buckets.mean
    else:
        rule: Rule = grid if places is None else Places(places)
        mean = _filled(read, rule, len(of), numbers, ("mean",)).buckets().mean
    return places, grouped(mean, of, groups, read.question.quantiles)


def _few_places(read: PanelReading, grid: Grid) -> Floats | None:
    """All places in the range, ascending, if there are not many more than buckets."""
    pool: dict[bytes, Floats] = {}
    for piece in read.pieces():
        begin = 0
        for count in piece.counts.tolist():
            x = piece.x[begin : begin + count]
            begin += count
            pool[x.tobytes()] = x
    found = np.unique(np.concatenate([np.zeros(0), *pool.values()]))
    found = found[(found >= grid.start) & (found <= grid.stop)]
    return found if 0 < len(found) <= _DISTINCT * grid.buckets else None


# -- very many --------------------------------------------------------------------------------------


def _density(
    read: PanelReading,
    grid: Grid,
    ids: Sequence[str],
    numbers: Numbers,
    asked: DensityQuestion,
    robust: tuple[float, float] | None,
) -> Density | None:
    """How many series run through each cell, and which experiments end best."""
    found = _heights(read, grid, asked, robust)
    if found is None:
        return None
    low, high = found
    crossings = Crossings(grid, asked.rows, low, high, asked.spacing)
    last_x, last = np.full(len(ids), -np.inf), np.full(len(ids), np.nan)
    for piece in read.pieces():
        row = numbers(piece)
        cost = np.cumsum(piece.counts + grid.buckets)
        ends = np.cumsum(piece.counts)
        begin = point = 0
        while begin < len(row):
            spent = cost[begin - 1] if begin else 0
            stop = max(begin + 1, int(np.searchsorted(cost, spent + _TOGETHER, "right")))
            mine = slice(point, int(ends[stop - 1]))
            series = np.arange(stop - begin).repeat(piece.counts[begin:stop])
            x, value = piece.x[mine], piece.value[mine]
            crossings.add(series, x, value)
            _note_last(grid, row[begin:stop][series], x, value, last_x, last)
            begin, point = stop, mine.stop
    shown = int((last_x > -np.inf).sum())
    return Density(low, high, crossings.counts(), shown, _best(ids, last, asked))


def _heights(
    read: PanelReading, grid: Grid, asked: DensityQuestion, robust: tuple[float, float] | None
) -> tuple[float, float] | None:
    """From where to where the rows go; None where no value can be shown."""
    log = asked.spacing == "log"
    if asked.low is not None and asked.high is not None and asked.high > asked.low:
        return (asked.low, asked.high) if not log or asked.low > 0 else None
    low, high = np.inf, -np.inf
    for piece in read.pieces():
        here = (piece.x >= grid.start) & (piece.x <= grid.stop) & np.isfinite(piece.value)
        if log:
            here &= piece.value > 0
        if here.any():
            value = piece.value[here]
            low, high = min(low, float(value.min())), max(high, float(value.max()))
    if high < low:
        return None
    if robust is not None and not (log and robust[0] <= 0):
        low, high = robust
    if not high > low:
        by = abs(low) / 10 or 1.0
        return (low / 2, low * 2) if log else (low - by, low + by)
    if log:
        return low / (high / low) ** _MARGIN, high * (high / low) ** _MARGIN
    return low - _MARGIN * (high - low), high + _MARGIN * (high - low)


def _note_last(
    grid: Grid, row: Ints, x: Floats, value: Floats, last_x: Floats, last: Floats
) -> None:
    """Note of each series the finite value furthest along in the range; of several at one place the one written last."""
    known = np.isfinite(value) & (x >= grid.start) & (x <= grid.stop)
    row, x, value = row[known], x[known], value[known]
    if not len(row):
        return
    if not np.all((row[1:] != row[:-1]) | (x[1:] >= x[:-1])):
        order = np.lexsort((x, row))
        row, x, value = row[order], x[order], value[order]
    end = np.flatnonzero(np.append(row[1:] != row[:-1], True))
    row, x, value = row[end], x[end], value[end]
    further = x >= last_x[row]
    last_x[row[further]], last[row[further]] = x[further], value[further]


def _best(ids: Sequence[str], last: Floats, asked: DensityQuestion) -> tuple[str, ...]:
    """The experiments that end best, the best first."""
    if asked.better is None:
        return ()
    order = np.argsort(last if asked.better == "min" else -last, kind="stable")  # NaN comes last
    known = order[: int(np.isfinite(last).sum())]
    return tuple(ids[at] for at in known[: max(0, asked.best)].tolist())

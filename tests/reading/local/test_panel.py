"""Panels against numpy over all points: of very long series, and of many with the same places or with others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anew import Experiment, Store
from anew.errors import InvalidValue
from anew.query.density import Crossings, DensityQuestion
from anew.query.panel import PanelQuestion
from anew.query.question import parse_field
from anew.reading.local.panel import Member, read_panel
from anew.stores.series.protocol import ExperimentFolder
from benchmarks.synthetic import curve, one_metric, write_experiment

COUNT = 10_000_000
SPIKE = 7_654_321


@pytest.mark.slow
def test_one_point_among_ten_million_is_in_its_bucket_and_exact_when_zoomed(tmp_path: Path) -> None:
    chunk = 100_000
    root = tmp_path / "store"
    root.mkdir()

    def lines():
        for at, text in enumerate(one_metric("loss", COUNT, chunk)):
            if at == SPIKE // chunk:
                rows = text.split(b"\n")
                row = rows[SPIKE % chunk]
                before, _, rest = row.partition(b'"loss":')
                rows[SPIKE % chunk] = before + b'"loss":99.5' + rest[rest.index(b"}") :]
                text = b"\n".join(rows)
            yield text

    write_experiment(root, "lab/long/one", lines())
    with Store(root) as store:
        store.seal()
        (id_,) = [one.id for one in store.list()]
        panel = store.backend.panel(PanelQuestion(ids=(id_,), metrics=("loss",), buckets=640))
        zoomed = store.backend.panel(
            PanelQuestion(
                ids=(id_,), metrics=("loss",), start=SPIKE - 50, stop=SPIKE + 50, points=1000
            )
        )
    values = curve(COUNT)
    values[SPIKE] = 99.5
    bucket = np.minimum(np.arange(COUNT) * (640 / (COUNT - 1)), 639).astype(np.int64)
    begin = np.searchsorted(bucket, np.arange(640))
    np.testing.assert_array_equal(panel.buckets.high[0], np.maximum.reduceat(values, begin))
    np.testing.assert_array_equal(panel.buckets.low[0], np.minimum.reduceat(values, begin))
    np.testing.assert_array_equal(panel.buckets.last[0], values[np.append(begin[1:], COUNT) - 1])
    assert panel.buckets.high.max() == 99.5
    assert int(panel.totals.inside[0]) == COUNT
    assert zoomed.exact is not None
    assert zoomed.exact.x.tolist() == list(range(SPIKE - 50, SPIKE + 51))
    np.testing.assert_array_equal(zoomed.exact.value, values[SPIKE - 50 : SPIKE + 51])
    assert zoomed.series[0].points == COUNT


@pytest.mark.parametrize("early", [False, True], ids=["the same places", "one stops early"])
@pytest.mark.parametrize("part", [None, (3, 11)], ids=["whole", "zoomed"])
def test_points_and_groups_are_those_of_all_points_whatever_places_they_have(
    tmp_path: Path, early: bool, part: tuple[int, int] | None
) -> None:
    rng = np.random.default_rng(7)
    values = rng.standard_normal((6, 20))
    values[2, 5] = np.nan
    values[3, 6] = np.inf
    stops = [20] * 5 + [13 if early else 20]
    ids = []
    for row, stop in zip(values, stops, strict=True):
        number = len(ids)
        with Experiment(
            f"lab/x/e{number}", root=str(tmp_path), quiet=True, system_metrics=0, params={"g": number % 2}
        ) as exp:  # fmt: skip
            for step in range(stop):
                exp.log_metrics({"m": float(row[step])}, step=step)
        ids.append(exp.id)
    start, end = part or (0, 19)
    zoom = {} if part is None else {"start": float(start), "stop": float(end)}
    with Store(tmp_path) as store:
        panel = store.backend.panel(
            PanelQuestion(ids=tuple(ids), metrics=("m",), points=1000, columns=(), **zoom)
        )
        grouped = store.backend.panel(
            PanelQuestion(
                ids=tuple(ids), metrics=("m",), columns=(), group=(parse_field("params.g"),),
                quantiles=(0.0, 1.0), **zoom,
            )
        )  # fmt: skip
    assert panel.exact is not None
    for row, stop in enumerate(stops):
        begin, stop_at = panel.exact.starts[row : row + 2]
        count = stop_at - begin
        places = panel.exact.x[panel.exact.x_starts[row] :][:count]
        wanted = np.arange(start, min(end + 1, stop))
        np.testing.assert_array_equal(places, wanted)
        np.testing.assert_array_equal(panel.exact.value[begin:stop_at], values[row, wanted])
    assert grouped.group_places is not None
    np.testing.assert_array_equal(grouped.group_places, np.arange(start, end + 1))
    known = np.where(np.isfinite(values), values, np.nan)
    for row, stop in enumerate(stops):
        known[row, stop:] = np.nan
    for number, group in enumerate(grouped.groups):
        members = known[int(group.values[0]) :: 2, start : end + 1]
        found = grouped.group_buckets
        assert found is not None
        np.testing.assert_allclose(found.mean[number], np.nanmean(members, axis=0))
        np.testing.assert_allclose(found.deviation[number], np.nanstd(members, axis=0, ddof=1))
        np.testing.assert_array_equal(found.quantiles[number, 0], np.nanmin(members, axis=0))
        np.testing.assert_array_equal(found.quantiles[number, 1], np.nanmax(members, axis=0))
        np.testing.assert_array_equal(found.members[number], np.isfinite(members).sum(axis=0))


def test_a_density_counts_every_point_of_all_and_names_those_that_end_best(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    ids, columns = [], []
    for number in range(12):
        count = 5 + number
        column = rng.uniform(0.5, 2.0, count)
        with Experiment(
            f"lab/x/e{number}", root=str(tmp_path), quiet=True, system_metrics=0
        ) as exp:
            for step in rng.permutation(count).tolist():
                exp.log_metrics({"m": float(column[step])}, step=step)
            if number == 3:
                exp.log_metrics({"m": float("nan")}, step=count)
        ids.append(exp.id)
        columns.append(column)
    with Store(tmp_path) as store:
        panel = store.backend.panel(
            PanelQuestion(
                ids=tuple(ids), metrics=("m",), buckets=8, columns=(),
                density=DensityQuestion(rows=20, better="min", best=3),
            )
        )  # fmt: skip
    density, grid = panel.density, panel.grid
    assert density is not None
    assert grid is not None
    assert panel.series == ()
    every = np.concatenate(columns)
    assert panel.totals.inside.tolist() == [len(every) + 1]
    assert panel.totals.nan.tolist() == [1]
    assert density.low < every.min()
    assert every.max() < density.high
    crossings = Crossings(grid, 20, density.low, density.high, "linear")
    series = np.repeat(np.arange(12), [len(one) for one in columns])
    places = np.concatenate([np.arange(len(one), dtype=float) for one in columns])
    crossings.add(series, places, every)
    np.testing.assert_array_equal(density.counts, crossings.counts())
    assert density.series == 12
    ends = np.array([one[-1] for one in columns])
    assert density.best == tuple(ids[at] for at in np.argsort(ends)[:3])


def test_groups_that_nobody_tells_apart_are_refused_before_anything_is_read() -> None:
    members = [
        Member(ExperimentFolder(f"id{at}", "nowhere"), 0.0, {"m": 3}, (at,)) for at in range(1001)
    ]
    question = PanelQuestion(ids=(), metrics=("m",), group=(parse_field("params.lr"),), buckets=10)
    with pytest.raises(InvalidValue) as refused:
        read_panel(None, members, question)  # type: ignore[arg-type]
    assert refused.value.key == "group"

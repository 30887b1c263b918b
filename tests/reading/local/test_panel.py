"""Panels of very long series, against numpy over all points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anew import Store
from anew.query.panel import PanelQuestion
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

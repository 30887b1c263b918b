"""What every analyst must do: each question asked about experiments that the real writer wrote."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from ..analysis.analyst import Analyst
from ..analysis.questions import (
    CompareQuestion,
    HistogramsQuestion,
    ImportanceQuestion,
    MachineQuestion,
    TableDifferenceQuestion,
    TableQuestion,
    TableRef,
    ValuesQuestion,
)
from ..errors import Ambiguous, InvalidValue, NotFound, QueryError
from ..tracking.experiment import Experiment
from ..values.histogram import Histogram
from ..values.table import Table

__all__ = ["AnalystContract", "write_experiments"]

_ROWS = 300
_BIG = TableRef(id="lab/tables", name="cells")
_SMALL = TableRef(id="lab/tables", name="small")
_ACC = "metrics.acc.last"


def _cells() -> Any:
    """A table of cells that JSON has no words for, too large to be kept in the record."""
    import pyarrow as pa

    day = datetime.datetime(2024, 1, 2, 3, 4, 5, 678)
    return pa.table(
        {
            "id": np.arange(_ROWS),
            "share": pa.array([None, math.nan, math.inf, -math.inf] + [0.5] * (_ROWS - 4)),
            "huge": pa.array([2**64 - 1] * _ROWS, pa.uint64()),
            "at": pa.array([day] * _ROWS, pa.timestamp("us")),
            "day": pa.array([day.date()] * _ROWS),
            "bytes": pa.array([b"\x00\xff"] * _ROWS),
            "price": pa.array([decimal.Decimal("1.50")] * _ROWS),
            "list": pa.array([[1.0, math.nan, None]] * _ROWS),
            "fields": pa.array([{"x": 1, "y": None}] * _ROWS),
            "text": pa.array(["é\u2028" + "x" * 3000] * _ROWS),
            "flag": pa.array([True, None] * (_ROWS // 2)),
        }
    )


def write_experiments(root: str) -> None:
    """The experiments that the contract asks about."""
    for number in range(10):
        params = {"lr": (0.1, 0.01)[number % 2], "seed": number // 2, "opt": ("adam", "sgd")[number % 2]}  # fmt: skip
        with Experiment(f"lab/runs/{number}", root=root, quiet=True, system_metrics=0, params=params) as exp:  # fmt: skip
            exp.log_metrics({"acc": 0.9 + number % 2 + 0.01 * math.sin(number)}, step=0)
            exp.log_metrics({"system/gpu.0.utilization": 0.0}, step=0)
    with Experiment("lab/others/tables", root=root, quiet=True, system_metrics=0):
        pass
    with Experiment("lab/tables", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_value("cells", Table(_cells()), step=5)
        for step in (0, 10):
            exp.log_value("small", Table(["name", "count"], [["a", 1], ["b", step]]), step=step)
            exp.log_value("weights", Histogram(np.arange(50.0), bins=5), step=step)


class AnalystContract:
    """Subclass it and give the fixture `analyst`, which answers from a folder that `write_experiments` has filled."""

    def test_fields_come_as_arrays(self, analyst: Analyst) -> None:
        asked = ValuesQuestion(fields=("params.lr", "params.opt", _ACC), filter="params.seed < 2", sort=("params.seed", "params.lr"))  # fmt: skip
        found = analyst.values(asked)
        lr, opt, acc = found.columns
        assert (found.count, len(found.ids)) == (4, 4)
        assert lr.values.tolist() == [0.01, 0.1, 0.01, 0.1]
        assert (opt.labels, opt.values.tolist()) == (("adam", "sgd"), [1, 0, 1, 0])
        assert acc.values[0] == 1.9 + 0.01 * math.sin(1)
        assert analyst.values(ValuesQuestion(fields=(_ACC,), ids=3)).ids == ()

    def test_groups_are_compared(self, analyst: Analyst) -> None:
        asked = CompareQuestion(result=_ACC, a="params.lr == 0.1", b="params.lr == 0.01", pair=("params.seed",))  # fmt: skip
        found = analyst.compare(asked)
        assert found.result is not None
        assert (found.result.pairs, found.missing, found.both) == (5, (0, 0), 0)
        assert 0.9 < found.result.difference < 1.1
        assert analyst.compare(CompareQuestion(result=_ACC, a="", b="params.seed > 99")).result is None  # fmt: skip

    def test_settings_are_explained(self, analyst: Analyst) -> None:
        found = analyst.importance(ImportanceQuestion(result=_ACC, settings=("params.seed", "params.opt")))  # fmt: skip
        assert [(one.field, one.n) for one in found] == [("params.opt", 10), ("params.seed", 10)]

    def test_histograms_stand_on_one_grid(self, analyst: Analyst) -> None:
        found = analyst.histograms(HistogramsQuestion(ids=("lab/tables",), name="weights"))
        (one,) = found.series
        assert (found.exact, one.first.tolist(), one.counts.shape) == (True, [0, 10], (2, 5))
        assert one.counts.dtype == np.float64
        assert one.first.dtype == np.int64

    def test_every_cell_of_a_table_is_told(self, analyst: Analyst) -> None:
        page = analyst.table(TableQuestion(table=_BIG, limit=4))
        assert (page.total, page.matched, page.places) == (_ROWS, _ROWS, (0, 1, 2, 3))
        by_name = {column.name: [row[at] for row in page.rows] for at, column in enumerate(page.columns)}  # fmt: skip
        assert by_name["share"] == [None, *({"$float": name} for name in ("NaN", "Infinity", "-Infinity"))]  # fmt: skip
        assert {name: column[0] for name, column in by_name.items() if name != "share"} == {
            "id": 0,
            "huge": 2**64 - 1,
            "at": "2024-01-02T03:04:05.000678",
            "day": "2024-01-02",
            "bytes": "2 bytes",
            "price": 1.5,
            "list": [1.0, {"$float": "NaN"}, None],
            "fields": {"x": 1, "y": None},
            "text": "é\u2028" + "x" * 1998 + " …",
            "flag": True,
        }

    def test_a_table_is_filtered_sorted_and_told_in_pages(self, analyst: Analyst) -> None:
        asked = TableQuestion(table=_BIG, filter="id >= 100 and share == 0.5", sort=("-id",), start=10, limit=3)  # fmt: skip
        page = analyst.table(asked)
        assert (page.matched, page.start) == (200, 10)
        assert [row[0] for row in page.rows] == [289, 288, 287] == list(page.places)

    def test_a_table_is_meant_by_its_step_or_its_place(self, analyst: Analyst) -> None:
        for step, place, at in ((None, None, 1), (9, None, 0), (10, None, 1), (None, 0, 0)):
            asked = TableRef(id="lab/tables", name="small", step=step, place=place)
            assert analyst.table(TableQuestion(table=asked)).table.at == at

    def test_two_tables_are_compared(self, analyst: Analyst) -> None:
        before = TableRef(id="lab/tables", name="small", step=0)
        found = analyst.table_difference(TableDifferenceQuestion(a=before, b=_SMALL, key=("name",)))
        assert found.counts == {"added": 0, "removed": 0, "changed": 1, "same": 1}
        (row,) = found.rows
        assert (row.a, row.b, row.changed) == (("b", 0), ("b", 10), ("count",))

    def test_an_experiment_without_the_metric_is_left_out_or_an_error(self, analyst: Analyst) -> None:  # fmt: skip
        ids = ("lab/runs/0", "lab/tables")
        (one, _) = analyst.machine(MachineQuestion(ids=ids))
        assert [(device.device, device.share) for device in one.devices] == [("gpu.0", 1.0)]
        asked = MachineQuestion(ids=ids, metric="acc", start=0.0, stop=0.0)
        assert len(analyst.machine(asked)) == 1
        with pytest.raises(NotFound) as told:
            analyst.machine(replace(asked, strict=True))
        assert told.value.name == "acc"
        late = MachineQuestion(ids=ids[:1], metric="acc", start=7.0, stop=8.0)
        assert analyst.machine(late) == ()
        with pytest.raises(NotFound):
            analyst.machine(replace(late, strict=True))
        with pytest.raises(InvalidValue) as many:  # and not the first of them alone
            analyst.machine(MachineQuestion(ids=ids[:1] * 51))
        assert many.value.key == "ids"

    def test_what_cannot_be_answered_is_told(self, analyst: Analyst) -> None:
        with pytest.raises(QueryError) as query:
            analyst.table(TableQuestion(table=_BIG, filter="id > 2 and shar == 1"))
        assert (query.value.position, query.value.suggestion) == (11, "share")
        with pytest.raises(QueryError):
            analyst.values(ValuesQuestion(fields=(_ACC,), filter="params.lr ==="))
        with pytest.raises(NotFound) as lacking:
            analyst.table(TableQuestion(table=TableRef(id="lab/tables", name="cell")))
        assert (lacking.value.name, sorted(lacking.value.nearest)) == ("cell", ["cells", "small"])
        with pytest.raises(NotFound) as unknown:
            analyst.table(TableQuestion(table=TableRef(id="lab/tabels", name="cells")))
        assert "lab/tables" in unknown.value.nearest
        with pytest.raises(Ambiguous):
            analyst.histograms(HistogramsQuestion(ids=("tables",), name="weights"))
        for key, page in (("limit", TableQuestion(table=_BIG, limit=5000)), ("start", TableQuestion(table=_BIG, start=-1))):  # fmt: skip
            with pytest.raises(InvalidValue) as wrong:
                analyst.table(page)
            assert wrong.value.key == key
        with pytest.raises(InvalidValue) as texts:
            analyst.importance(ImportanceQuestion(result="params.opt", settings=("params.lr",)))
        assert texts.value.key == "result"
        with pytest.raises(InvalidValue) as sure:
            analyst.compare(CompareQuestion(result=_ACC, a="", b="", confidence=2.0))
        assert sure.value.key == "confidence"

"""`wandb.Table`: rows under named columns, with pictures and other media as cells."""

from __future__ import annotations

import anew

from ..names import FACTS
from .errors import UnsupportedError, UsageError
from .media import Image, Media
from .plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

__all__ = ["Table"]


class UnknownMode(UsageError, AssertionError):
    """There is no such `log_mode`; in wandb an AssertionError."""


class NotOfTheTable(UsageError, AssertionError):
    """The columns are no names, or the data frame is none; in wandb an AssertionError."""


class Table(Media):
    """A table.

    Args:
        columns: The names; "Input", "Output" and "Expected" if neither they nor a data frame are given.
        data: The rows, an array of two dimensions, or a data frame.
        rows: The same, by its older name.
        dataframe: A data frame of pandas.
        dtype: Accepted; cells keep the types they have.
        optional: Accepted.
        allow_mixed_types: Accepted; a column may always hold several types.
        log_mode: "IMMUTABLE", "MUTABLE" or "INCREMENTAL"; whichever it is, the table is logged as it is then.

    Raises:
        ValueError: A row has not as many cells as there are columns, or there is no such mode.
    """

    _type, _folder = "table-file", "table"
    MAX_ROWS = 10_000  # of wandb's; here a table may have any number
    MAX_ARTIFACT_ROWS = 200_000

    def __init__(
        self,
        columns: Iterable[Any] | None = None,
        data: Any = None,
        rows: Any = None,
        dataframe: Any = None,
        dtype: Any = None,
        optional: Any = True,
        allow_mixed_types: bool = False,
        log_mode: str | None = "IMMUTABLE",
    ) -> None:
        if log_mode not in ("IMMUTABLE", "MUTABLE", "INCREMENTAL"):
            raise UnknownMode(
                f"log_mode must be IMMUTABLE, MUTABLE or INCREMENTAL, not {log_mode!r}."
            )
        self.log_mode = log_mode
        if dataframe is None and hasattr(data, "columns") and hasattr(data, "iterrows"):
            dataframe = data
        if dataframe is not None:
            if not hasattr(dataframe, "itertuples"):
                raise NotOfTheTable(
                    f"dataframe is a DataFrame, not a {type(dataframe).__name__}: give rows as data=."
                )
            columns = [str(name) for name in dataframe.columns]
            data = [list(row) for row in dataframe.itertuples(index=False)]
        given = ("Input", "Output", "Expected") if columns is None else columns
        if hasattr(given, "itertuples") or not all(isinstance(one, (str, int)) for one in given):
            raise NotOfTheTable("columns are names: give rows as data=, and a data frame too.")
        self.columns: list[Any] = list(given)
        self.data: list[list[Any]] = []
        found = rows if data is None else data
        if hasattr(found, "tolist"):
            found = found.tolist()
        for row in found if found is not None else ():
            self.add_data(*row)

    def add_data(self, *data: Any) -> None:
        """Add a row: a value for each column."""
        if len(data) != len(self.columns):
            raise ValueError(
                f"This table expects {len(self.columns)} columns: {self.columns}, found {len(data)}"
            )
        self.data.append(list(data))

    add_row = add_data

    def add_column(self, name: str, data: Any, optional: bool = False) -> None:
        """Add a column with a value for each row."""
        self._rows_only("add_column")
        values = data.tolist() if hasattr(data, "tolist") else list(data)
        if self.data or not self.columns:
            if not self.columns:
                self.data = [[] for _ in values]
            if len(values) != len(self.data):
                raise AssertionError(f"Expected length {len(self.data)}, found {len(values)}")
        elif values:
            raise AssertionError(f"Expected length 0, found {len(values)}")
        if name in self.columns:
            raise AssertionError(f"The column {name!r} already exists.")
        self.columns.append(name)
        for row, value in zip(self.data, values, strict=True):
            row.append(value)

    def add_computed_columns(self, fn: Callable[[int, dict[Any, Any]], dict[str, Any]]) -> None:
        """Add columns of what `fn(index, row as a dict)` gives for each row."""
        self._rows_only("add_computed_columns")
        found = [
            fn(at, dict(zip(self.columns, row, strict=True))) for at, row in enumerate(self.data)
        ]
        for name in dict.fromkeys(name for row in found for name in row):
            self.add_column(name, [row.get(name) for row in found])

    def _rows_only(self, call: str) -> None:
        if self.log_mode == "INCREMENTAL":
            raise UnsupportedError(
                f"{call} is not for tables with log_mode='INCREMENTAL', which get rows alone."
            )

    def get_column(self, name: str, convert_to: str | None = None) -> Any:
        """The values of a column, as a list or with `convert_to="numpy"` as an array."""
        if name not in self.columns:
            raise AssertionError(f"There is no column {name!r}; there are {self.columns}.")
        if convert_to not in (None, "numpy"):
            raise AssertionError(f"convert_to must be None or 'numpy', not {convert_to!r}.")
        at = self.columns.index(name)
        values = [row[at] for row in self.data]
        if convert_to is None:
            return values
        import numpy as np

        return np.array(values)

    def get_index(self) -> list[int]:
        """The numbers of the rows."""
        return list(range(len(self.data)))

    def get_dataframe(self) -> Any:
        """A data frame of pandas."""
        import pandas

        return pandas.DataFrame.from_records(self.data, columns=self.columns)

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """The number and the cells of each row."""
        return iter(list(enumerate(self.data)))

    def cast(self, col_name: str, dtype: Any, optional: bool = False) -> Any:
        """Accepted; cells keep the types they have."""
        self.get_column(col_name)
        return dtype

    # -- keeping -----------------------------------------------------------------------------------

    @property
    def native(self) -> anew.Table:
        """The table with a text in the place of each picture."""
        return anew.Table(
            [str(name) for name in self.columns], [[_cell(c) for c in r] for r in self.data]
        )

    def keep(self, experiment: anew.Experiment, key: str, step: int) -> dict[str, Any]:
        """Log it; each cell that is a picture, sound … is a value `<key>/<column>` with the number of its row."""
        rows = []
        for number, row in enumerate(self.data):
            cells = []
            for column, cell in zip(self.columns, row, strict=True):
                if isinstance(cell, Media):
                    name = f"{key}/{column}"
                    facts = cell.facts() | {"row": number}
                    experiment.log_value(name, cell.native, step, metadata={FACTS: facts})
                    cells.append(f"<{cell._type} {name}, row {number}>")
                else:
                    cells.append(_cell(cell))
            rows.append(cells)
        table = anew.Table([str(name) for name in self.columns], rows)
        facts = self.facts() | self.named(key, step)
        experiment.log_value(key, table, step, metadata={FACTS: facts})
        return self.told() | self.named_again(facts)

    def _ending(self) -> str:
        return "table.json"

    def told(self) -> dict[str, Any]:
        return {"_type": self._type, "ncols": len(self.columns), "nrows": len(self.data)}

    def to_json(self) -> dict[str, Any]:
        """Columns and rows, as plain data."""
        return {
            "_type": "table",
            "columns": self.columns,
            "data": [[_cell(cell) for cell in row] for row in self.data],
            "ncols": len(self.columns),
            "nrows": len(self.data),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Table:
        """As `to_json` gave it."""
        return cls(columns=data["columns"], data=data["data"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and (self.columns, self.data) == (other.columns, other.data)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<Table of {len(self.data)} rows, columns {', '.join(map(str, self.columns))}>"


def _cell(value: Any) -> Any:
    if isinstance(value, Image) and value.caption:
        return f"<{value._type} {value.caption}>"
    if isinstance(value, Media):
        return f"<{value._type}>"
    return value if isinstance(value, bytes) or hasattr(value, "isoformat") else plain(value)

"""Tables: predictions, confusion matrices, results of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import CorruptData, InvalidValue, MissingDependency
from ..record.plain import from_plain, to_plain
from .value import MAX_INLINE, Saved, check_caption, inline_size, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, BinaryIO, ClassVar

    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["Table"]


class Table:
    """Rows under named columns. A small one is kept in the record, a larger one as Parquet.

    Args:
        columns: The names of the columns; or a data frame (pandas, polars, Arrow), a list of mappings, or a
            mapping of columns, which bring their own.
        data: The rows, each as long as there are columns; or any of the above, of which `columns` are taken.
        caption: A line to show with it.

    Raises:
        InvalidValue: It is no table; a row that does not fit is named.
    """

    kind: ClassVar[str] = "table"

    def __init__(
        self,
        columns: Sequence[str] | Any = None,
        data: Any = None,
        caption: str | None = None,
    ) -> None:
        self.metadata: dict[str, Any] = check_caption(caption)
        self._arrow: pa.Table | None = None
        self.rows: list[list[Any]] = []
        if data is None and columns is not None and not _are_names(columns):
            columns, data = None, columns
        if columns is not None and not _are_names(columns):
            raise InvalidValue(
                f"The columns of a Table must be names, not {columns!r:.100}.", key="columns"
            )
        names = None if columns is None else [str(name) for name in columns]
        self.columns: list[str] = names or []
        if data is not None:
            self._take(data, names)
        elif names is None:
            raise InvalidValue("A Table needs columns, or data that defines them.")
        if len(set(self.columns)) != len(self.columns):
            twice = next(n for n in self.columns if self.columns.count(n) > 1)
            raise InvalidValue(f"The Table has two columns named {twice!r}.", key="columns")

    def _take(self, data: Any, names: list[str] | None) -> None:
        data = _without_arrow(data)
        frame = _as_arrow(data)
        if frame is not None:
            self._arrow = frame if names is None else _selected(frame, names)
            self.columns = list(self._arrow.column_names)
            return
        if isinstance(data, Mapping):
            data = _turned(data)
            self.columns = names or list(data[0]) if data else names or []
        else:
            data = _listed(data)
        if names is None:
            self.columns = list(dict.fromkeys(str(k) for row in data if _is_row(row) for k in row))
            if not data or not all(_is_row(row) for row in data):
                raise InvalidValue(
                    "A Table without columns is made from a data frame, a mapping of columns, or a list of "
                    "mappings. To make one from rows, give columns=[...] as well."
                )
        for row in data:
            self._add(row)

    def add_row(self, *values: Any, **named: Any) -> None:
        """Add a row: a value for each column in order, or by name (a column not named is None).

        Raises:
            InvalidValue: There are more or fewer values than columns, or a name is no column.
        """
        if self._arrow is not None:
            self.rows, self._arrow = _rows_of(self._arrow), None
        self._add(named if named and not values else [*values])

    def _add(self, row: Any) -> None:
        if _is_row(row):
            unknown = [key for key in row if str(key) not in self.columns]
            if unknown:
                raise InvalidValue(
                    f"Row {len(self.rows)} of the Table names the unknown column {unknown[0]!r}; the columns are: "
                    f"{', '.join(self.columns)}."
                )
            given = {str(k): v for k, v in row.items()}
            cells = [given.get(name) for name in self.columns]
        else:
            cells = _listed(row)
        if len(cells) != len(self.columns):
            raise InvalidValue(
                f"Row {len(self.rows)} of the Table has {len(cells)} values for {len(self.columns)} columns."
            )
        self.rows.append([_cell(value) for value in cells])

    def __len__(self) -> int:
        return len(self.rows) if self._arrow is None else self._arrow.num_rows

    def __repr__(self) -> str:
        return f"Table({len(self)} rows, columns {', '.join(self.columns)})"

    def save(self, folder: str, stem: str) -> Saved:
        """Write the table's file, if it needs one (see `Value.save`)."""
        metadata = self.metadata | {"columns": self.columns[:100], "rows": len(self)}
        if self._arrow is None or (len(self) <= 2000 and _is_plain(self._arrow)):
            rows = self.rows if self._arrow is None else _rows_of(self._arrow)
            data = {"columns": self.columns, "rows": to_plain(rows)}
            # A cell takes two bytes at least: no need to write out a large table to know it is large.
            if len(rows) * max(1, len(self.columns)) * 2 <= MAX_INLINE:
                size = inline_size(data)
                if size is not None and size <= MAX_INLINE:
                    return Saved(None, data, metadata)
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError:  # JSON needs no package, and takes more room
            return Saved(write_file(folder, f"{stem}.json", self._write_json), None, metadata)

        try:
            table = self.to_arrow()
            name = write_file(
                folder, f"{stem}.parquet", lambda f: pq.write_table(table, f, compression="zstd")
            )
        except pa.ArrowException:  # a column of several types: a text has room for all
            name = write_file(folder, f"{stem}.json", self._write_json)
        return Saved(name, None, metadata)

    def _write_json(self, file: BinaryIO) -> None:
        from ..record.encode import encode

        rows = self.rows if self._arrow is None else _rows_of(self._arrow)
        file.write(encode({"columns": self.columns, "rows": to_plain(rows)}))

    @classmethod
    def load(cls, data: Any, path: str | None) -> Table:
        """The table as it was saved.

        Raises:
            CorruptData: It is not what `save` gives.
        """
        try:
            if path is not None and path.endswith(".parquet"):
                try:
                    import pyarrow.parquet as pq
                except ModuleNotFoundError as error:
                    raise MissingDependency.of("This table", "pyarrow", "arrow") from error

                return cls(data=pq.read_table(path))
            if path is not None:
                import json

                with open(path, "rb") as file:
                    data = json.load(file)
            return cls(data["columns"], [from_plain(row) for row in data["rows"]])
        except (OSError, MissingDependency):
            raise
        except Exception as error:
            raise CorruptData(f"This is not a saved table: {error}", path=path) from error

    def to_arrow(self) -> pa.Table:
        """As an Arrow table.

        Raises:
            pyarrow.ArrowException: A column holds values of several types.
            MissingDependency: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ModuleNotFoundError as error:
            raise MissingDependency.of("An Arrow table", "pyarrow", "arrow") from error

        if self._arrow is not None:
            return self._arrow
        arrays = [pa.array([row[i] for row in self.rows]) for i in range(len(self.columns))]
        return pa.Table.from_arrays(arrays, names=self.columns)

    def to_pandas(self) -> pd.DataFrame:
        """As a pandas data frame."""
        try:
            import pandas as pd
        except ImportError:
            raise MissingDependency.of("A pandas frame", "pandas", "pandas") from None
        if self._arrow is not None:
            frame: pd.DataFrame = self._arrow.to_pandas()
            return frame
        return pd.DataFrame(self.rows, columns=self.columns)

    def to_polars(self) -> pl.DataFrame:
        """As a polars data frame."""
        try:
            import polars as pl
        except ImportError:
            raise MissingDependency.of("A Polars frame", "polars", "polars") from None
        if self._arrow is not None:
            frame = pl.from_arrow(self._arrow)
            assert isinstance(frame, pl.DataFrame)
            return frame
        return pl.DataFrame(self.rows, schema=self.columns, orient="row", strict=False)


def _are_names(columns: Any) -> bool:
    return isinstance(columns, (list, tuple)) and all(isinstance(name, str) for name in columns)


def _is_row(row: Any) -> bool:
    return isinstance(row, Mapping)


def _listed(data: Any) -> list[Any]:
    """Rows, or a row's cells, of any iterable but a text."""
    if callable(getattr(data, "detach", None)):
        data = data.detach().cpu()
    if hasattr(data, "tolist") and hasattr(data, "shape"):
        if len(data.shape) > 2:
            raise InvalidValue(
                f"A Table can be made from an array of two dimensions, not one of shape {tuple(data.shape)}."
            )
        data = data.tolist()
    if isinstance(data, (str, bytes)) or not hasattr(data, "__iter__"):
        raise InvalidValue(
            f"The rows of a Table must be lists or mappings, not {type(data).__name__}."
        )
    return list(data)


def _turned(columns: Mapping[Any, Iterable[Any]]) -> list[dict[str, Any]]:
    lists = {str(name): _listed(values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidValue(f"The columns of the Table have different lengths: {lengths}.")
    count = next(iter(lengths.values()), 0)
    return [{name: values[i] for name, values in lists.items()} for i in range(count)]


def _cell(value: Any) -> Any:
    """A cell as Python has it: scalars of array libraries lose their wrapping, dates and bytes stay."""
    if value is None or type(value) in (str, int, float, bool, bytes):
        return value
    if hasattr(value, "isoformat"):
        return value
    plain = to_plain(value)
    return from_plain(plain)


def _without_arrow(data: Any) -> Any:
    """A data frame as a mapping of columns where pyarrow is not installed; anything else as it is."""
    if not hasattr(data, "__arrow_c_stream__") or not hasattr(data, "to_dict"):
        return data
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError:
        pass
    else:
        return data
    if hasattr(data, "reset_index"):  # pandas: the index is a column if it says more
        if type(data.index).__name__ != "RangeIndex":
            data = data.reset_index(names=None)
        return data.to_dict("list")
    return data.to_dict(as_series=False)


def _as_arrow(data: Any) -> pa.Table | None:
    """A data frame of pandas, polars or Arrow as an Arrow table; None for anything else."""
    if hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__array_interface__"):
        import pyarrow as pa

        if hasattr(data, "reset_index") and hasattr(
            data, "index"
        ):  # pandas: the index is a column if it says more
            if type(data.index).__name__ != "RangeIndex":
                data = data.reset_index(names=None)
            data = data.set_axis([str(column) for column in data.columns], axis=1)
            try:
                return pa.Table.from_pandas(data, preserve_index=False).replace_schema_metadata(
                    None
                )
            except pa.ArrowException:
                return None
        table = pa.table(data)
        return table if table.num_columns else None
    return None


def _selected(table: pa.Table, names: list[str]) -> pa.Table:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InvalidValue(
            f"The Table's data has no column {missing[0]!r}; it has {', '.join(table.column_names)}.",
            key="columns",
        )
    return table.select(names)


def _is_plain(table: pa.Table) -> bool:
    """Whether JSON keeps every column's type."""
    import pyarrow.types as types

    return all(
        types.is_int64(t) or types.is_float64(t) or types.is_boolean(t) or _is_text(t)
        for t in table.schema.types
    )


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _rows_of(table: pa.Table) -> list[list[Any]]:
    columns = [column.to_pylist() for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]

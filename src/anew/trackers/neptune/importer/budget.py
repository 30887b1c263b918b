"""How much a Parquet file may unpack to: what is the same in all rows takes no space in it, and neither does it within lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....importing.foreign import most_unpacked

__all__ = ["Budget", "texts_of"]

_ROWS = 10_000
_BYTES_OF_VALUE = 32
"""What a value of a list takes once it is an object."""
_MOST_AT_ONCE = 64 << 20
_WIDTHS = {
    "BOOLEAN": 1,
    "INT32": 4,
    "INT64": 8,
    "INT96": 12,
    "FLOAT": 4,
    "DOUBLE": 8,
    "BYTE_ARRAY": 4,
}
"""Bytes of a value in memory; a text is a number there, see `texts_of`."""


def texts_of(about: Any) -> list[str]:
    """The columns of texts, in lists too: each text of them is read once, however often it stands there."""
    columns = (about.schema.column(at) for at in range(about.num_columns))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


class Budget:
    """What may still be unpacked of a file.

    Args:
        size: Its bytes.
    """

    def __init__(self, size: int) -> None:
        self._left = most_unpacked(size)

    def spend(self, count: int) -> None:
        """Count bytes.

        Raises:
            ValueError: These are too many.
        """
        self._left -= count
        if self._left < 0:
            raise ValueError("it unpacks to far more than its size allows for")

    def rows_of(self, about: Any) -> int:
        """How many rows of a file are read at once, by what it says of itself before any is read.

        Raises:
            ValueError: It says that it is far too large.
        """
        most = 1
        for at in range(about.num_row_groups):
            group = about.row_group(at)
            width = 0
            for number in range(about.num_columns):
                column = about.schema.column(number)
                is_list = column.max_repetition_level > 0
                bytes_ = (
                    _BYTES_OF_VALUE if is_list else _WIDTHS.get(column.physical_type, column.length)
                )
                width += group.column(number).num_values * bytes_
            self.spend(max(width, group.total_byte_size))
            most = max(most, width // max(1, group.num_rows))
        return max(1, min(_ROWS, _MOST_AT_ONCE // most))

    def parts_of(self, batch: Any) -> Iterator[Any]:
        """Some rows, as many at a time as are written out in little memory.

        Raises:
            ValueError: They are too many, or one of them alone is too long.
        """
        weighed = [_weighed(column) for column in batch.columns]
        self.spend(sum(total for _, total in weighed))
        longest = max((longest for longest, _ in weighed), default=0)
        if longest > 2 * _MOST_AT_ONCE:
            raise ValueError("an entry of it is far too long")
        rows = max(1, min(len(batch), _MOST_AT_ONCE // max(1, longest)))
        for at in range(0, len(batch), rows):
            yield batch.slice(at, rows)


def _weighed(column: Any) -> tuple[int, int]:
    """Bytes of the longest entry of a column at most, and of the texts of all of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        if not len(column.dictionary):
            return 0, 0
        lengths = pc.binary_length(column.dictionary)
        longest = pc.max(lengths).as_py() or 0
        return longest, pc.sum(pc.take(lengths, column.indices)).as_py() or 0
    if pa.types.is_struct(column.type):
        parts = [_weighed(one) for one in column.flatten()]
        return sum(longest for longest, _ in parts), sum(total for _, total in parts)
    if pa.types.is_map(column.type):
        column = column.cast(
            pa.list_(pa.struct([("key", column.type.key_type), ("value", column.type.item_type)]))
        )
    if (
        pa.types.is_list(column.type)
        or pa.types.is_large_list(column.type)
        or pa.types.is_fixed_size_list(column.type)
    ):
        longest, total = _weighed(column.flatten())
        most = pc.max(pc.list_value_length(column)).as_py() or 0
        return most * (longest + _BYTES_OF_VALUE), total
    return 0, 0

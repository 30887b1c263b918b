"""What goes wrong with a ClickHouse server."""

from __future__ import annotations

__all__ = ["ClickHouseError"]


class ClickHouseError(OSError):
    """ClickHouse cannot be reached, or answered with an error.

    Attributes:
        code: The number that ClickHouse gave it; 0 if it gave none.
    """

    def __init__(self, said: str, *, code: int = 0) -> None:
        super().__init__(said)
        self.code = code

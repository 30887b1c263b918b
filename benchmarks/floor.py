"""The floor of logging: one record encoded and handed to the kernel, and nothing else."""

from __future__ import annotations

import os
from time import time

import orjson


class Floor:
    """Appends point lines, the same record as ours, by `orjson.dumps` and `os.write`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Write one point line."""
        record = {"s": step, "t": time(), "m": metrics}
        os.write(self.fd, orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Close the file."""
        os.close(self.fd)

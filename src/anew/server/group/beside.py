"""Bytes that differ from what a group's store has in their place: they are kept, and change nothing."""

from __future__ import annotations

from blake3 import blake3
from psycopg import Connection

from ...blobs.protocol import Blobs
from ..intake.segments import MOST_BESIDE
from .database import Row

__all__ = ["Beside"]


class Beside:
    """Keeps bytes below `conflicts/` of the bucket. Any thread may use it."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def keep(
        self, connection: Connection[Row], experiment: str, name: str, offset: int, data: bytes
    ) -> bool:
        """Keep bytes; whether there was room for them.

        They are named by where they belong and what they are, so the same ones are kept once and none is overwritten.

        Raises:
            OSError: They cannot be written.
        """
        label = f"{name.replace('/', '!')[:150]}@{offset}-{blake3(data).hexdigest()[:16]}"
        key = f"conflicts/{experiment}/{label}"
        ((there, size),) = connection.execute(
            "SELECT coalesce(bool_or(key = %s), false), coalesce(sum(size), 0)::bigint FROM conflict WHERE experiment = %s",
            (key, experiment),
        ).fetchall()
        if there:
            return True
        if size + len(data) > MOST_BESIDE:
            return False
        self._blobs.create(key, data)
        connection.execute(
            "INSERT INTO conflict (experiment, key, size) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (experiment, key, len(data)),
        )
        return True

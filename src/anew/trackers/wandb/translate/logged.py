"""What a run logged beyond numbers, under the names that W&B gives to the files of it."""

from __future__ import annotations

import os
import re
import secrets
import tempfile

from ....values import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["artifact_name", "media_path", "rows_of_table"]

_LONGEST = 100


def media_path(folder: str, key: str, step: int, suffix: str) -> str:
    """The file of a medium: `media/<folder>/<key>_<step>_<random>.<suffix>`."""
    parts = [part for part in re.sub(r"[^\w./-]", "_", key).split("/") if part.strip(".")]
    *inside, name = parts or ["value"]
    file = f"{name[:_LONGEST]}_{step}_{secrets.token_hex(6)}.{suffix}"
    return "/".join(["media", folder, *inside, file])


def artifact_name(run_id: str, key: str) -> str:
    """The artifact that W&B makes of a table that was logged."""
    return f"run-{run_id}-" + re.sub(r"[^a-zA-Z0-9_\-.]", "", key)


def rows_of_table(data: Any, content: bytes | None) -> tuple[list[str], list[list[Any]]]:
    """The names of the columns and the rows of a table that was logged.

    Args:
        data: The table as the record has it; None where it is a file.
        content: What is in that file.

    Raises:
        CorruptData: It is no table.
    """
    if content is None:
        table = load("table", data, None)
    else:
        with tempfile.TemporaryDirectory(prefix="anew-") as folder:
            path = os.path.join(folder, "table.parquet" if content[:4] == b"PAR1" else "table.json")
            with open(path, "xb") as file:
                file.write(content)
            table = load("table", None, path)
    if table.rows:
        return list(table.columns), [list(row) for row in table.rows]
    columns = [column.to_pylist() for column in table.to_arrow().columns]
    return list(table.columns), [list(row) for row in zip(*columns, strict=True)]

"""Records filled databases of the newest versions as SQL. From the repository: `PYTHONPATH=tests python -m server.migrations.record`.

A version is recorded once, before it is released; what is there already is left alone.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from pathlib import Path

from anew.server.group.schema import SCHEMA as TRUTH_SCHEMA
from anew.server.group.versions import HISTORY as TRUTH
from anew.server.identity.postgres import SCHEMA as ACCOUNTS_SCHEMA
from anew.server.identity.versions import HISTORY as ACCOUNTS
from anew.server.migrations.history import History
from postgres import started_postgres

from . import filling
from .engines import DUMPS, connected, made_with_alembic


def main() -> None:
    """Record what is not recorded yet."""
    with started_postgres() as server, tempfile.TemporaryDirectory() as folder:
        dump = server._programs / "bin" / "pg_dump"
        for name, history, schema, statements in (
            ("accounts", ACCOUNTS, ACCOUNTS_SCHEMA, filling.ACCOUNTS),
            ("truth", TRUTH, TRUTH_SCHEMA, filling.TRUTH),
        ):
            for version in history.versions:
                for engine in version.STATEMENTS:
                    target = DUMPS / f"{name}-{version.revision}.{engine}.sql"
                    if target.exists():
                        continue
                    where = (
                        server.make_database()
                        if engine == "postgresql"
                        else f"{folder}/{version.revision}.db"
                    )
                    _fill(where, history, schema, version.revision, statements)
                    target.write_text(
                        _of_sqlite(where) if engine == "sqlite" else _of_postgres(dump, where)
                    )


def _fill(
    where: str, history: History, schema: str, version: str, statements: tuple[str, ...]
) -> None:
    made_with_alembic(where, history, schema, version)
    with connected(where) as connection:
        with contextlib.suppress(Exception):
            connection.execute(f'SET search_path = "{schema}"')
        for statement in statements:
            connection.execute(statement)


def _of_sqlite(where: str) -> str:
    with connected(where) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def _of_postgres(dump: Path, where: str) -> str:
    done = subprocess.run(
        [dump, "--inserts", "--no-owner", "--no-privileges", where],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (
        line
        for line in done.stdout.splitlines()
        if line and not line.startswith(("\\", "--", "SET "))
    )
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)) + "\n"


if __name__ == "__main__":
    main()

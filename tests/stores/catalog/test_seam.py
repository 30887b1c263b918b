"""Only the rooms of an engine know its database library."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src" / "anew"
LIBRARIES = {"psycopg", "sqlite3", "sqlalchemy"}
# The catalog, which is derived, and the accounts of a server, which are not; a store of MLflow's, which is only read.
ROOMS = (
    "postgres/",
    "server/migrations/",
    "server/group/",
    "stores/catalog/postgres/",
    "testing/postgres.py",
    "stores/catalog/sqlite/",
    "server/identity/",
    "trackers/mlflow/importer/",
    "importing/sqlite.py",
)


def importers() -> set[str]:
    """The files that import a database library, wherever the import stands."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if not any(library in text for library in LIBRARIES):
            continue  # what is not named is not imported; to parse all files takes seconds
        for node in ast.walk(ast.parse(text)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            if {name.split(".")[0] for name in names} & LIBRARIES:
                found.add(file.relative_to(SOURCE).as_posix())
    return found


def test_nothing_outside_of_the_rooms_of_an_engine_imports_a_database_library():
    assert {file for file in importers() if not file.startswith(ROOMS)} == set()

"""Imports point one way: the table in ARCHITECTURE.md is held against the imports in the code."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "anew"
FILES = sorted(SOURCE.rglob("*.py"))
# The package itself gathers the public names; `python -m anew` starts the command line.
UNRULED = {"__init__", "__main__"}
# Rooms that stand where a user stands: they may import what a user may, and nothing else.
USERS = {"dialects", "integrations"}
# What a user may import: the package itself, its errors, and the packages that list public names of their own.
PUBLIC = {"", "errors", "forwarders", "plots", "weights"}


@functools.cache
def table() -> dict[str, set[str]]:
    """The rooms of ARCHITECTURE.md's table, each with all it may import: what it names, and what that may."""
    direct: dict[str, set[str]] = {}
    for line in (REPOSITORY / "ARCHITECTURE.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rooms = re.findall(r"`([a-z_]+)(?:/|\.py)`", cells[0])
        if line.startswith("| `") and len(cells) == 3 and rooms:
            allowed = set(re.findall(r"[a-z_]+", cells[2]))
            for room in rooms:
                direct[room] = allowed - {"nothing"}
    # What a room may import, it may reach through: the rows name the nearest rooms alone.
    reachable = dict(direct)
    for _ in direct:
        for room, allowed in reachable.items():
            reachable[room] = allowed.union(*(reachable.get(below, ()) for below in allowed))
    return reachable


def room_of(file: Path) -> str:
    """The room a file belongs to: its first folder under the package, or its own stem."""
    return file.relative_to(SOURCE).with_suffix("").parts[0]


def imports(file: Path) -> list[tuple[int, str, list[str]]]:
    """`(line, module, names)` of every import in a file, wherever it stands, relative ones made absolute."""
    package = ["anew", *file.relative_to(SOURCE).parent.parts]
    found = []
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.append((node.lineno, module, [alias.name for alias in node.names]))
    return found


def rooms_imported(file: Path) -> list[tuple[int, str]]:
    """`(line, room)` for every import from within the package; the root itself is the room ""."""
    found = []
    for line, module, names in imports(file):
        parts = module.split(".")
        if parts[0] != "anew":
            continue
        if len(parts) > 1:
            found.append((line, parts[1]))
        else:
            for name in names or [""]:
                is_room = (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").is_file()
                found.append((line, name if name and is_room else ""))
    return found


def test_the_page_has_a_row_for_every_room_and_no_row_for_none():
    rooms = {room_of(file) for file in FILES} - UNRULED - USERS
    rooms = {room for room in rooms if not room.startswith("__")}
    assert rooms <= set(table()), "a room without a row in ARCHITECTURE.md"


def test_the_table_has_no_circles():
    circles = {room for room, allowed in table().items() if room in allowed}
    assert not circles


@pytest.mark.parametrize("room", sorted(USERS))
def test_a_user_of_the_package_imports_no_module_inside_of_it(room: str):
    for file in (SOURCE / room).rglob("*.py"):
        for line, module, names in imports(file):
            where = f"{file.relative_to(REPOSITORY)}:{line}"
            if module.split(".")[0] == "anew" and module.split(".")[1:2] != [room]:
                assert ".".join(module.split(".")[1:]) in PUBLIC, f"{where} imports {module}"
                public = getattr(importlib.import_module(module), "__all__", names)
                inside = [n for n in names if n not in public and n not in PUBLIC]
                assert not inside, f"{where} imports {inside}, which is not public"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_room_imports_only_what_its_row_allows(file: Path):
    room = room_of(file)
    if room in UNRULED or room in USERS:
        allowed = None
    else:
        allowed = table()[room] | {room}
    for line, imported in rooms_imported(file):
        where = f"{file.relative_to(REPOSITORY)}:{line}"
        if room not in UNRULED | USERS:
            assert imported, f"{where} imports the package root; import from the module itself"
        if room in USERS:
            assert imported in PUBLIC | {room}, f"{where}: {room} may import public names only"
        if allowed is not None:
            assert imported in allowed, (
                f"{where}: {room} imports {imported}, which its row in ARCHITECTURE.md does not allow"
            )


def test_the_law_sees_through_every_way_of_writing_an_import(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    (tmp_path / "record").mkdir()
    (tmp_path / "stores").mkdir()
    file = tmp_path / "record" / "bad.py"
    file.write_text(
        "import anew\n"
        "import anew.stores.catalog\n"
        "from anew import stores\n"
        "from anew.stores import catalog\n"
        "from .. import stores\n"
        "from ..stores import catalog\n"
        "from . import names\n"
        "def later():\n"
        "    from ..stores.catalog import schema\n"
    )
    assert rooms_imported(file) == [
        (1, ""),
        (2, "stores"),
        (3, "stores"),
        (4, "stores"),
        (5, "stores"),
        (6, "stores"),
        (7, "record"),
        (9, "stores"),
    ]

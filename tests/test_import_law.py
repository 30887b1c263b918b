"""Imports point one way: the table in ARCHITECTURE.md is held against the imports in the code."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "anew"
FILES = sorted(SOURCE.rglob("*.py"))
# The package itself gathers the public names; `python -m anew` starts the command line.
UNRULED = {"__init__", "__main__"}
# Rooms that stand where a user stands: they may import what a user may, and what is pure of their own tracker.
USERS = {"dialects", "integrations", "trackers/*/dialect", "trackers/around"}
PURE = {
    "trackers/*/names",
    "trackers/*/translate",
    "trackers/*/write",
    "trackers/places",
    "trackers/around",
}
# What a user may import: the package itself, its errors, and the packages that list public names of their own.
PUBLIC = {"", "errors", "forwarders", "plots", "weights"}


@functools.cache
def table() -> dict[str, set[str]]:
    """The rooms of ARCHITECTURE.md's table, each with all it may import: what it names, and what that may."""
    direct: dict[str, set[str]] = {}
    for line in (REPOSITORY / "ARCHITECTURE.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rooms = re.findall(r"`((?:trackers/(?:\*/)?)?[a-z_]+)(?:/|\.py)?`", cells[0])
        if line.startswith("| `") and len(cells) == 3 and rooms:
            allowed = set(re.findall(r"(?:trackers/(?:\*/)?)?[a-z_]+", cells[2]))
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
    return room_named(file.relative_to(SOURCE).with_suffix("").parts)


def room_named(parts: Sequence[str]) -> str:
    """The room of a module, by the parts of its name below the package; of a tracker, the part of its folder."""
    if parts[0] != "trackers":
        return parts[0]
    if parts[-1] == "__init__" and len(parts) < 4:  # of all trackers, or of one
        return "__init__"
    return f"trackers/*/{parts[2]}" if len(parts) > 2 else f"trackers/{parts[1]}"


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
        if parts[1:2] == ["trackers"] and len(parts) < 4 and (SOURCE.joinpath(*parts[1:])).is_dir():
            found += [(line, room_named([*parts[1:], name])) for name in names]
        elif len(parts) > 1:
            found.append((line, room_named(parts[1:])))
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
    for file in (file for file in FILES if room_of(file) == room):
        for line, module, names in imports(file):
            where = f"{file.relative_to(REPOSITORY)}:{line}"
            parts = module.split(".")[1:]
            if parts[:1] == ["trackers"]:
                continue  # what of its tracker it may import, the next two tests hold
            if module.split(".")[0] == "anew" and parts[:1] != [room]:
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
            own = (
                PURE | {room}
                if room != "dialects"
                else {room, "trackers/*/dialect", "trackers/around", "trackers/places"}
            )
            assert imported in PUBLIC | own, f"{where}: {room} may import public names only"
        if allowed is not None:
            assert imported in allowed, (
                f"{where}: {room} imports {imported}, which its row in ARCHITECTURE.md does not allow"
            )


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_tracker_imports_no_other_tracker(file: Path):
    own = file.relative_to(SOURCE).with_suffix("").parts[:2]
    for line, module, names in imports(file):
        parts = module.split(".")[1:]
        if own[0] == "trackers" and parts[:1] == ["trackers"]:
            meant = {name if len(parts) == 1 else parts[1] for name in names}
            assert meant <= {*own, "places", "around"}, f"{file}:{line} imports {module}"


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

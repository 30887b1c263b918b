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
# Rooms that stand where a user stands: what of a tracker they may import besides public names.
USERS: dict[str, set[str]] = {
    "integrations": set(),
    "dialects": {"trackers/*/dialect", "trackers/around", "trackers/places"},
    "trackers/around": set(),
    "trackers/*/dialect": {
        "trackers/*/names",
        "trackers/*/translate",
        "trackers/*/write",
        "trackers/around",
        "trackers/arriving",
        "trackers/places",
    },
}
# Names of the standard library that begin with an underscore and are documented all the same.
DOCUMENTED = {
    "_asdict",
    "_clear_type_cache",
    "_current_frames",
    "_exit",
    "_fields",
    "_getframe",
    "_make",
    "_replace",
}
# What a user may import: the package itself, its errors, and the packages that list public names of their own.
PUBLIC = {"", "errors", "forwarders", "plots", "sweeps", "weights"}


@functools.cache
def table() -> dict[str, set[str]]:
    """The rooms of ARCHITECTURE.md's table, each with the rooms it may import directly."""
    direct: dict[str, set[str]] = {}
    for line in (REPOSITORY / "ARCHITECTURE.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rooms = re.findall(r"`((?:trackers/(?:\*/)?|reading/)?[a-z_]+)(?:/|\.py)?`", cells[0])
        if line.startswith("| `") and len(cells) == 3 and rooms:
            allowed = set(re.findall(r"(?:trackers/(?:\*/)?|reading/)?[a-z_]+", cells[2]))
            for room in rooms:
                direct[room] = allowed - {"nothing"}
    return direct


def room_of(file: Path) -> str:
    """The room a file belongs to: its first folder under the package, or its own stem."""
    return room_named(file.relative_to(SOURCE).with_suffix("").parts)


def room_named(parts: Sequence[str]) -> str:
    """The room of a module, by the parts of its name below the package; of a tracker, the part of its folder.

    Where answers come from is a room of its own within `reading`, so that nothing else in it knows of stores.
    """
    if tuple(parts[:2]) in (("reading", "local"), ("reading", "remote")):
        return "/".join(parts[:2])
    if parts[0] != "trackers":
        return parts[0]
    if parts[-1] == "__init__" and len(parts) < 4:  # of all trackers, or of one
        return "__init__"
    return f"trackers/*/{parts[2]}" if len(parts) > 2 else f"trackers/{parts[1]}"


@functools.cache
def read(file: Path) -> tuple[list[tuple[int, str, list[str]]], list[tuple[int, str]]]:
    """A file's imports and the private names that it reads of others. Each file is parsed once: there are a thousand."""
    nodes = [*ast.walk(ast.parse(file.read_text(), str(file)))]
    return imports_among(nodes, file), foreign_among(nodes)


def imports(file: Path) -> list[tuple[int, str, list[str]]]:
    """`(line, module, names)` of every import in a file, wherever it stands, relative ones made absolute."""
    return read(file)[0]


def imports_among(nodes: list[ast.AST], file: Path) -> list[tuple[int, str, list[str]]]:
    package = ["anew", *file.relative_to(SOURCE).parent.parts]
    found = []
    for node in nodes:
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
    rooms = {room_of(file) for file in FILES} - UNRULED - USERS.keys()
    rooms = {room for room in rooms if not room.startswith("__")}
    assert rooms <= set(table()), "a room without a row in ARCHITECTURE.md"


def test_the_table_has_no_circles():
    graph = {room: allowed & table().keys() for room, allowed in table().items()}
    assert not circles(graph)


def test_a_row_names_no_room_that_its_room_does_not_import():
    used: dict[str, set[str]] = {}
    for file in FILES:
        used.setdefault(room_of(file), set()).update(room for _, room in rooms_imported(file))
    idle = {room: allowed - used.get(room, set()) for room, allowed in table().items()}
    assert not {
        room: sorted(unused) for room, unused in idle.items() if unused and room not in USERS
    }


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


def test_a_room_imports_only_what_its_row_allows():
    offences = []
    for file in FILES:
        room = room_of(file)
        for line, imported in rooms_imported(file) if room not in UNRULED else ():
            where = f"{file.relative_to(REPOSITORY)}:{line}"
            if room in USERS:
                if imported not in PUBLIC | USERS[room] | {room}:
                    offences.append(f"{where}: {room} may import public names only")
            elif not imported:
                offences.append(f"{where} imports the package root; import from the module itself")
            elif imported not in table()[room] | {room}:
                offences.append(
                    f"{where}: {room} imports {imported}, which its row in ARCHITECTURE.md does not allow"
                )
    assert not offences, "\n".join(offences)


def test_a_tracker_imports_no_other_tracker():
    offences = []
    for file in FILES:
        own = file.relative_to(SOURCE).with_suffix("").parts[:2]
        for line, module, names in imports(file) if own[0] == "trackers" else ():
            parts = module.split(".")[1:]
            if parts[:1] == ["trackers"]:
                meant = {name if len(parts) == 1 else parts[1] for name in names}
                if not meant <= {*own, "places", "around", "arriving", "records", "written"}:
                    offences.append(f"{file}:{line} imports {module}")
    assert not offences, "\n".join(offences)


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


# -- inside the rooms --------------------------------------------------------------------------------


def module_of(file: Path) -> str:
    """The dotted name of a file's module, as it is imported."""
    parts = ["anew", *file.relative_to(SOURCE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def modules_imported() -> dict[str, set[str]]:
    """By module, the modules of ours that it imports: at the top, in a function, or for types only."""
    modules = {module_of(file): file for file in FILES}
    graph: dict[str, set[str]] = {}
    for module, file in modules.items():
        found = graph[module] = set()
        for _, base, names in imports(file):
            if not names and base in modules:
                found.add(base)
            for name in names:
                inside = f"{base}.{name}"
                found |= {inside} if inside in modules else {base} & modules.keys()
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of nodes of which each leads to all the others (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        open_.append(node)
        for following in graph[node]:
            if following not in order:
                visit(following)
            if following in open_:
                low[node] = min(low[node], low[following])
        if low[node] == order[node]:
            at = open_.index(node)
            group = open_[at:]
            del open_[at:]
            if len(group) > 1 or node in graph[node]:
                found.append(sorted(group))

    for node in graph:
        if node not in order:
            visit(node)
    return found


def test_no_files_import_one_another_in_a_circle():
    assert not circles(modules_imported())


def foreign_names(source: str) -> list[tuple[int, str]]:
    """`(line, name)` of every private name that a file reads of an object or module which is not its own.

    A name is a file's own when the file defines it: a method, an attribute of `self`, a slot, a variable.
    """
    return foreign_among([*ast.walk(ast.parse(source))])


def foreign_among(nodes: list[ast.AST]) -> list[tuple[int, str]]:
    own: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and _is_self(node.value):
            own.add(node.attr)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            own |= {target.id for target in targets if isinstance(target, ast.Name)}
            if any(isinstance(t, ast.Name) and t.id == "__slots__" for t in targets) and node.value:
                own |= {c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant)}
    found = []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (
            node.level or (node.module or "").startswith("anew")
        ):
            found += [(node.lineno, alias.name) for alias in node.names if _is_private(alias.name)]
        elif isinstance(node, ast.Attribute) and _is_private(node.attr) and node.attr not in own:
            is_super = (
                isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super"
            )
            if not is_super:
                found.append((node.lineno, node.attr))
    return found


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED


def test_no_file_reads_a_private_name_of_another():
    found = {
        f"{file.relative_to(REPOSITORY)}:{line}: {name}"
        for file in FILES
        for line, name in read(file)[1]
    }
    assert not found, "\n".join(sorted(found))


def test_a_foreign_private_name_is_seen():
    source = (
        "from .other import _hidden\n"
        "import os\n"
        "class Own:\n"
        "    __slots__ = ('_slot',)\n"
        "    def __init__(self): self._mine = 1\n"
        "    def same(self, other): return other._mine == other._slot\n"
        "def read(thing): return thing._theirs, os._exit\n"
    )
    assert foreign_names(source) == [(1, "_hidden"), (7, "_theirs")]


WRITE_SIDE = ("record", "journal", "tracking", "monitor", "session")


def test_all_that_the_write_side_can_reach_is_written_down():
    page = (REPOSITORY / "ARCHITECTURE.md").read_text()
    told = set(
        re.findall(r"`([a-z_]+)`", page.partition("are these rooms:")[2].partition(".\n")[0])
    )
    graph = modules_imported()
    reached: set[str] = set()
    waiting = [name for name in graph if name.partition("anew.")[2].split(".")[0] in WRITE_SIDE]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += graph[module]
    assert {name.split(".")[1] for name in reached if "." in name} == told


def test_no_training_process_can_reach_what_stores_or_sends():
    graph = modules_imported()
    reached: set[str] = set()
    waiting = ["anew.forwarding.launch", "anew.forwarding.waiting", "anew.tracking.experiment"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += graph[module]
    rooms = {name.split(".")[1] for name in reached if "." in name}
    assert not rooms & {"stores", "index", "reading", "query", "forwarders", "trackers"}

"""Hostile sources of every kind: what was made to hang, to fill memory or disk, to lead elsewhere or to be run does none of it, and the import goes on or says why not."""

from __future__ import annotations

import ast
import bz2
import gzip
import lzma
import os
import shutil
import signal
import sqlite3
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import anew
from anew.errors import AnewError
from anew.importing import foreign
from anew.importing.importer import Imported
from anew.importing.sqlite import Database
from anew.trackers.importers import KINDS

from .environments import unpacked
from .evil import AWKWARD, EVIL
from .holding import contents
from .test_damaged_sources import MAKERS, SECRET, Made, brought, files_of
from .test_damaged_sources import _age as age

MOST_MEMORY = 192 << 20
MOST_SECONDS = 120
ALL = [pytest.param(kind, marks=pytest.mark.slow) if kind == "aim" else kind for kind in KINDS]
"""Aim's repositories are made anew, which takes long."""
FEW = [kind if kind in ("mlflow", "table") else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]  # fmt: skip

DEEP = b"[" * 200_000
ALIASES = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{', '.join(['*' + chr(97 + at)] * 9)}]\n".encode()
    for at in range(12)
)
# Numbers that a record begins with where a format counts: lengths, fields, rows of far more than there is.
COUNTS = (b"\xff" * 8, b"\xff\xff\xff\x7f" * 2, b"\x80" * 9 + b"\x01", b"99999999999999999999")


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    found = MAKERS[request.param](tmp_path_factory.mktemp(request.param.replace("-", "_")))
    age(found.source)
    return found


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Ends what hangs."""

    def late(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(MOST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def hostile(made: Made, tmp_path: Path) -> Callable[..., Imported | None]:
    """Changes a copy of the source, and imports it: within a time, a memory and a folder."""
    numbers = iter(range(1_000_000))

    def run(change: Callable[[Path], None], *, memory: bool = False) -> Imported | None:
        number = next(numbers)
        copy = tmp_path / f"source{number}" / made.source.name
        shutil.copytree(made.source, copy, symlinks=True)
        change(copy)
        age(copy)
        signal.alarm(MOST_SECONDS)  # for each anew: how many there are is no matter
        root = tmp_path / f"root{number}"
        before = _around(tmp_path)
        if memory:
            tracemalloc.start()
        try:
            found = brought(made, copy, root)
            peak = tracemalloc.get_traced_memory()[1] if memory else 0
        finally:
            tracemalloc.stop()
        assert peak < MOST_MEMORY
        assert _around(tmp_path) - before <= {root.name}
        _holds(root)
        return found

    return run


def _holds(root: Path) -> None:
    """Nothing of elsewhere is in a root, and nothing in it leads elsewhere."""
    for path in root.rglob("*"):
        assert path.resolve().is_relative_to(root.resolve())
    if root.exists():
        assert SECRET not in b"".join(data or b"" for data in contents(root).values())


def _around(folder: Path) -> set[str]:
    """What lies around the copies and the roots: nothing may come to lie there."""
    return {one.name for one in folder.iterdir()} | {
        str(one.relative_to(folder)) for top in folder.glob("source*") for one in top.iterdir()
    }


def _everything(made: Made) -> list[Path]:
    """All that lies in a source, as paths below it: what says most of its runs first, then the rest in no order."""
    first = [path.relative_to(made.source) for path in files_of(made, made.source)]
    rest = sorted(path.relative_to(made.source) for path in made.source.rglob("*"))
    Random(7).shuffle(rest)
    return list(dict.fromkeys([*first, *rest]))


# -- what waits, and what leads elsewhere -------------------------------------------------------------


def _pipe(copy: Path, below: Path) -> None:
    path = copy / below
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    os.mkfifo(path)


def _device(copy: Path, below: Path) -> None:
    _pipe(copy, below)
    (copy / below).unlink()
    (copy / below).symlink_to("/dev/zero")


def _link(copy: Path, below: Path) -> None:
    """What lies there lies elsewhere now, with something that is nobody's matter."""
    path, away = copy / below, copy.parent.parent / "away" / copy.parent.name
    away.parent.mkdir(exist_ok=True)
    path.rename(away)
    if away.is_dir():
        for folder in [away, *(one for one in away.rglob("*") if one.is_dir())]:
            (folder / "secret.txt").write_bytes(SECRET)
    else:
        away.write_bytes(away.read_bytes() + SECRET)
    path.symlink_to(away)


def _in_turn(made: Made, hostile: Callable[..., Imported | None], places: list[Path]) -> None:
    for below in places:
        for change in (_pipe, _device, _link):
            found = hostile(partial(change, below=below))
            if change is _link and made.source / below in files_of(made, made.source):
                assert found is None or not found.is_whole, below


@pytest.mark.parametrize("made", ALL, indirect=True)
def test_no_pipe_is_waited_for_and_no_link_is_followed(made, hostile, tmp_path):
    (tmp_path / "away").mkdir()
    _in_turn(made, hostile, _everything(made)[:2])


@pytest.mark.slow
@pytest.mark.parametrize("made", ALL, indirect=True)
def test_no_pipe_is_waited_for_and_no_link_is_followed_anywhere(made, hostile, tmp_path):
    (tmp_path / "away").mkdir()
    _in_turn(made, hostile, _everything(made)[:16])


def test_a_source_may_be_named_by_a_link(tmp_path):
    one = MAKERS["mlflow"](tmp_path)
    (tmp_path / "link").symlink_to(one.source)
    assert brought(one, tmp_path / "link", tmp_path / "root").is_whole


# -- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVIL)
def test_names_that_lead_elsewhere_stay_inside(kind, tmp_path):
    home = tmp_path / "a" / "b" / "c"
    home.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b"):
        (folder / "secret").write_bytes(SECRET)
    ways = [f"{'../' * ups}secret" for ups in (1, 2, 3, 5)]
    names = [*ways, str(tmp_path / "secret"), f"file://{tmp_path}/secret", "..", "/", "a/../../../secret", "a\0b", "C:\\secret", "n" * 5_000, "\n", "~"]  # fmt: skip
    source = EVIL[kind](home, names)
    age(home)
    before = set(contents(tmp_path))
    found = brought(Made(kind, source, ()), source, home / "root")
    if found is not None:
        assert found.runs
        assert not [run.why for run in found.runs if run.state == "failed"]
    assert {one for one in set(contents(tmp_path)) - before if not one.startswith("a/b/c/root")} == set()  # fmt: skip
    _holds(home / "root")


def test_every_kind_has_names_that_lead_elsewhere():
    assert set(EVIL) | {"aim"} == set(KINDS)  # Aim's runs are named by their own folders


# -- what is larger than it looks ---------------------------------------------------------------------


def _in_each(made: Made, data: bytes) -> Iterator[Callable[[Path], None]]:
    for path in files_of(made, made.source):
        below = path.relative_to(made.source)
        yield lambda copy, below=below: (copy / below).write_bytes(data)  # type: ignore[misc]


@pytest.mark.parametrize("made", FEW, indirect=True)
@pytest.mark.parametrize(
    "data", [DEEP, b'{"a":' * 100_000, ALIASES], ids=["deep", "deeper", "aliases"]
)
def test_what_is_nested_without_end_is_given_up(made, data, hostile):
    for change in _in_each(made, data):
        hostile(change, memory=True)


@pytest.mark.parametrize("made", FEW, indirect=True)
def test_counts_of_far_more_than_there_is_take_no_memory(made, hostile):
    for path in files_of(made, made.source):
        data, below = path.read_bytes(), path.relative_to(made.source)
        for at, count in zip((0, 8, len(data) // 2, len(data) // 3), COUNTS, strict=True):
            changed = data[:at] + count + data[at + len(count) :]
            hostile(lambda copy, b=below, c=changed: (copy / b).write_bytes(c), memory=True)  # type: ignore[misc]


@pytest.mark.parametrize("made", ALL, indirect=True)
def test_files_that_are_nearly_all_holes_are_left_out(made, hostile):
    def grown(copy: Path) -> None:
        for path in copy.rglob("*"):
            if path.is_file():
                os.truncate(path, 1 << 41)

    found = hostile(grown, memory=True)
    assert found is None or not found.is_whole


def _zipped(data: bytes, name: str = "task.json") -> bytes:
    found = BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return found.getvalue()


@pytest.mark.parametrize("made", FEW, indirect=True)
def test_what_unpacks_to_far_more_is_given_up(made, hostile, monkeypatch):
    monkeypatch.setattr(foreign, "_FREE", 1 << 20)
    zeros = bytes(16 << 20)
    bombs = {
        "zip": _zipped(zeros), "csv.gz": gzip.compress(zeros), "jsonl.bz2": bz2.compress(zeros), "csv.xz": lzma.compress(zeros),
        "more.zip": _zipped(_zipped(zeros)),
    }  # fmt: skip

    def beside(copy: Path) -> None:
        for end, data in bombs.items():
            (copy / f"bomb.{end}").write_bytes(data)

    hostile(beside, memory=True)
    for change in _in_each(made, bombs["zip"]):
        hostile(change, memory=True)


def test_a_zip_file_of_many_large_members_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(foreign, "_FREE", 1 << 20)
    session = EVIL["clearml"](tmp_path, ["a", "b"])
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in session.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(session))
        for number in range(20):
            archive.writestr(f"data/{number}.bin", bytes(1 << 20))
    found = brought(Made("clearml", session, ()), tmp_path / "bomb.zip", tmp_path / "root")
    assert found is not None
    assert not found.is_whole
    assert not [path for path in (tmp_path / "root").rglob("*.bin") if path.stat().st_size]


def _again(pa: Any, schema: Any, kind: str, rows: int, value: Any, instead: Any = None) -> Any:
    """A row so many times; `instead` stands in the column of its value."""
    from .neptune.test_importer import one

    table = pa.Table.from_pylist([one("a", kind, value, 1)], schema=schema)
    columns = {
        name: pa.nulls(rows, table.schema.field(name).type)
        if table[name][0].as_py() is None
        else pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), table[name].combine_chunks())
        if pa.types.is_string(table.schema.field(name).type)
        else table[name].combine_chunks().take(pa.array([0] * rows))
        if pa.types.is_struct(table.schema.field(name).type)
        else pa.repeat(table[name][0], rows)
        for name in table.schema.names
    }  # fmt: skip
    if instead is not None:
        columns[f"{kind}_value"] = instead
    return pa.table(columns)


@pytest.mark.parametrize("long", ["text", "rows", "numbers of lists", "texts of lists", "a list"])
def test_a_parquet_file_that_says_little_very_often_is_given_up(long, tmp_path, monkeypatch):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    from .neptune.test_importer import SCHEMA, one, put

    if long != "a list":
        monkeypatch.setattr(foreign, "_FREE", 16 << 20)
    said = {"text": "string_series", "rows": "float_series", "numbers of lists": "histogram_series"}
    kind = said.get(long, "string_set")
    path = put(tmp_path, [one("a", "string", "b")])
    if long == "text":
        table = _again(pa, SCHEMA, kind, 2_000, "x" * 1_000_000)
    elif long == "rows":
        table = _again(pa, SCHEMA, kind, 3_000_000, 1.0)
    elif long == "numbers of lists":
        bins = {"type": "COUNTING", "edges": [0.5] * 50_000, "values": [0.5] * 50_000}
        table = _again(pa, SCHEMA, kind, 10, bins)
    else:
        rows, each, text = (100, 100, "x" * 100_000) if long != "a list" else (1, 5_000_000, "x")
        texts = pa.DictionaryArray.from_arrays(np.zeros(rows * each, np.int8), [text])
        lists = pa.ListArray.from_arrays([each * at for at in range(rows + 1)], texts)
        table = _again(pa, SCHEMA, kind, rows, ["x"], lists)
    pq.write_table(table, path, compression="zstd")
    del table
    assert path.stat().st_size < 200_000
    before = pa.total_allocated_bytes()
    found = brought(Made("neptune", tmp_path, ()), tmp_path, tmp_path / "root")
    assert found is not None
    assert not found.is_whole
    assert "far too long" in str(found.findings) if long == "a list" else "unpacks to far more" in str(found.findings)  # fmt: skip
    assert pa.total_allocated_bytes() - before < MOST_MEMORY


# -- databases ----------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return unpacked(AWKWARD / "mlflow.zip", tmp_path).folder / "mlflow.db"


def test_columns_that_a_database_computes_are_not_read(database):
    with sqlite3.connect(database) as tables:
        tables.execute("DROP TABLE params")
        tables.execute("CREATE TABLE params (run_uuid, key, value AS (zeroblob(400000000)))")
    tables.close()
    opened = Database(str(database))
    with pytest.raises(AnewError):
        list(opened.ask("SELECT key, value FROM params"))
    opened.close()


@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("what", ["pipe", "link"])
def test_what_lies_beside_a_database_is_plain_or_nothing(database, end, what):
    beside = Path(f"{database}{end}")
    if what == "pipe":
        os.mkfifo(beside)
    else:
        beside.symlink_to("/dev/zero")
    with pytest.raises(AnewError):
        Database(str(database))


def test_a_journal_that_names_another_file_deletes_nothing(database, tmp_path):
    """SQLite deletes the journal that several databases share once each of them is rolled back."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    name = os.fsencode(victim)
    header = bytes.fromhex("d9d505f920a163d7") + bytes(8) + (1 << 20).to_bytes(4, "big")
    size = database.stat().st_size // 4096
    header = bytes.fromhex("d9d505f920a163d7") + (1).to_bytes(4, "big") + bytes(4) + size.to_bytes(4, "big") + (512).to_bytes(4, "big") + (4096).to_bytes(4, "big")  # fmt: skip
    page = (1).to_bytes(4, "big") + database.read_bytes()[:4096]
    check = sum(page[4 + at] for at in range(4096 - 200, 0, -200)) & 0xFFFFFFFF
    tail = (262145).to_bytes(4, "big") + name + len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big") + header[:8]  # fmt: skip
    Path(f"{database}-journal").write_bytes(header.ljust(512, b"\0") + page + check.to_bytes(4, "big") + tail)  # fmt: skip
    with pytest.raises(AnewError):
        Database(str(database))
    assert victim.read_bytes() == b"precious"


# -- what holds for all of them, as it is written -----------------------------------------------------

PACKAGE = Path(anew.__file__).parent
ROOMS = sorted(
    [*PACKAGE.glob("trackers/*/importer/*.py"), *PACKAGE.glob("importing/*.py")]
)  # fmt: skip
OPENING = {
    "open", "io.open", "os.open", "os.walk", "os.scandir", "os.listdir", "os.fdopen", "shutil.copy", "shutil.copyfile", "shutil.copy2",
    "shutil.copytree", "Path", "pathlib.Path", "glob.glob", "glob.iglob", "tarfile.open", "gzip.open", "bz2.open", "lzma.open",
}  # fmt: skip
OWN = {
    "importing/foreign.py": "the guard itself",
    "importing/text.py": "opens files of the root",
    "trackers/wandb/importer/service.py": "writes what it downloads",
}
LOADING = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "torch"}  # fmt: skip
RUNNING = {"eval", "exec", "compile", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "np.load", "numpy.load", "pd.read_pickle"}  # fmt: skip


def _called(tree: ast.Module, names: set[str]) -> set[str]:
    """Those of the names that a file calls."""
    last = {name.rpartition(".")[2] for name in names}
    found = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.Call):
            name = getattr(one.func, "id", getattr(one.func, "attr", None))
            if name in last:  # to write out every call would take far longer than to parse the file
                found.add(ast.unparse(one.func))
    return found & names


def _imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.Import):
            found |= {name.name.partition(".")[0] for name in one.names}
        elif isinstance(one, ast.ImportFrom) and not one.level:
            found.add(str(one.module).partition(".")[0])
    return found


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_importers_open_nothing_but_through_the_guard_and_load_no_code(path):
    tree = ast.parse(path.read_text())
    if str(path.relative_to(PACKAGE)) not in OWN:
        assert not _called(tree, OPENING)
    assert not _called(tree, RUNNING)
    assert not _imports(tree) & LOADING

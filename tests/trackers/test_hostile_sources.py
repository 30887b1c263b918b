"""Hostile sources of MLflow and of tables, beside `test_damaged_sources`, which has all kinds: what was made to hang, to fill the memory or to write elsewhere does none of it, and the import goes on or says why not."""

from __future__ import annotations

import gzip
import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import pytest

from anew.importing.importer import Imported

from .test_damaged_sources import MAKERS, Made, brought, files_of
from .test_damaged_sources import _age as age

MOST_MEMORY = 192 << 20
EACH = ["mlflow", "table"]

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


@pytest.fixture
def hostile(made: Made, tmp_path: Path) -> Callable[..., Imported | None]:
    """Changes a copy of the source, and imports it: within a time, a memory and a folder."""
    numbers = iter(range(1_000_000))

    def run(change: Callable[[Path], None]) -> Imported | None:
        number = next(numbers)
        copy = tmp_path / f"source{number}" / made.source.name
        shutil.copytree(made.source, copy, symlinks=True)
        change(copy)
        age(copy)
        root = tmp_path / f"root{number}"
        before = _around(tmp_path)
        tracemalloc.start()
        try:
            found = brought(made, copy, root)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < MOST_MEMORY
        assert _around(tmp_path) - before <= {root.name}
        for path in root.rglob("*"):
            assert path.resolve().is_relative_to(root.resolve())
        return found

    return run


def _around(folder: Path) -> set[str]:
    """What lies around the copies and the roots: nothing may come to lie there."""
    return {one.name for one in folder.iterdir()} | {
        str(one.relative_to(folder)) for top in folder.glob("source*") for one in top.iterdir()
    }


def _in_each(made: Made, data: bytes) -> Iterator[Callable[[Path], None]]:
    for path in files_of(made, made.source):
        below = path.relative_to(made.source)
        yield lambda copy, below=below: (copy / below).write_bytes(data)  # type: ignore[misc]


@pytest.mark.parametrize("made", EACH, indirect=True)
@pytest.mark.parametrize(
    "data", [DEEP, b'{"a":' * 100_000, ALIASES], ids=["deep", "deeper", "aliases"]
)
def test_what_is_nested_without_end_is_given_up(made, data, hostile):
    for change in _in_each(made, data):
        hostile(change)


@pytest.mark.parametrize("made", EACH, indirect=True)
def test_counts_of_far_more_than_there_is_take_no_memory(made, hostile):
    for path in files_of(made, made.source):
        data, below = path.read_bytes(), path.relative_to(made.source)
        for at, count in zip((0, 8, len(data) // 2, len(data) // 3), COUNTS, strict=True):
            changed = data[:at] + count + data[at + len(count) :]
            hostile(lambda copy, b=below, c=changed: (copy / b).write_bytes(c))  # type: ignore[misc]


@pytest.mark.parametrize("made", EACH, indirect=True)
def test_a_pipe_or_a_device_is_not_waited_for(made, hostile):
    def piped(copy: Path, below: Path) -> None:
        (copy / below).unlink()
        os.mkfifo(copy / below)
        os.mkfifo((copy / below).parent / "a pipe")

    def device(copy: Path, below: Path) -> None:
        (copy / below).unlink()
        (copy / below).symlink_to("/dev/zero")

    for path in files_of(made, made.source):
        for change in (piped, device):
            hostile(partial(change, below=path.relative_to(made.source)))


@pytest.mark.parametrize("made", EACH, indirect=True)
def test_names_that_lead_out_stay_inside(made, hostile):
    """Names in records and of runs, put in place by their length: `loss` and `good` have four letters."""

    def renamed(copy: Path) -> None:
        for path in copy.rglob("*"):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                for name in (b"loss", b"good", b"name"):
                    data = data.replace(b'"%s"' % name, b'"../%s"' % name[:1])
                path.write_bytes(data.replace(b"loss", b"../l").replace(b"good", b"../g"))

    hostile(renamed)


@cache
def _bombs() -> dict[str, bytes]:
    """A quarter of a gigabyte of nothing, packed in some ways."""
    zeros = b"\0" * (256 << 20)
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("task.json", zeros)
    packed = {"gz": gzip.compress(zeros, 1), "zip": data.getvalue()}
    return packed | {"csv.gz": packed["gz"], "nested.zip": _zipped(packed["zip"])}


def _zipped(data: bytes) -> bytes:
    found = BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        archive.writestr("inner.zip", data)
    return found.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("made", EACH, indirect=True)
def test_what_unpacks_to_far_more_is_given_up(made, hostile):
    def beside(copy: Path) -> None:
        for end, data in _bombs().items():
            (copy / f"bomb.{end}").write_bytes(data)

    hostile(beside)
    for bomb in (_bombs()["gz"], _bombs()["zip"]):
        for change in _in_each(made, bomb):
            hostile(change)

"""Calls are listened to, also of modules imported later, and put back as they were."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anew.autolog.patches import Point, Taken

SOURCE = '''
class Writer:
    """Writes."""

    def write(self, text, times=1):
        """Write a text."""
        if text is None:
            raise ValueError("nothing to write")
        return [text] * times

    def write_twice(self, text):
        return self.write(text) + self.write(text)


class Special(Writer):
    pass


def shout(text):
    return text.upper()
'''


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that can be imported, and is not yet."""
    (tmp_path / "somebodys_library.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "somebodys_library"
    sys.modules.pop("somebodys_library", None)


def ignored(*_: Any, **__: Any) -> None:
    """What a point would report to; these tests look at what is delivered."""


def points(module: str) -> list[Point]:
    return [
        Point("library", module, "Writer", "write", ignored),
        Point("library", module, "Writer", "write_twice", ignored),
        Point("library", module, "Special", "write", ignored),
        Point("library", module, "", "shout", ignored, before=True),
        Point("library", module, "Writer", "not_in_this_version", ignored),
        Point("library", module, "NotInThisVersion", "write", ignored),
    ]


class Heard:
    """What was delivered."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, point: Point, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.calls.append(f"{point.owner}.{point.attribute}{args[1:]}{kwargs or ''}")


def test_a_module_imported_before_and_one_imported_later_are_the_same(library: str):
    for first in (True, False):
        sys.modules.pop(library, None)
        importlib.invalidate_caches()
        heard = Heard()
        if first:
            importlib.import_module(library)
        taken = Taken(points(library), heard)
        assert (library in sys.modules) is first
        module = importlib.import_module(library)
        assert module.Writer().write("a", times=2) == ["a", "a"]
        assert module.shout("a") == "A"
        assert heard.calls == ["Writer.write('a',){'times': 2}", ".shout()"]
        taken.undo()


def test_an_imported_module_keeps_its_own_loader_and_source(library: str):
    taken = Taken(points(library), Heard())
    module: Any = importlib.import_module(library)
    assert type(module.__loader__).__module__ == "_frozen_importlib_external"
    assert module.__spec__.loader is module.__loader__
    assert "shout" in inspect.getsource(module)
    assert inspect.getdoc(module.Writer.write) == "Write a text."
    assert str(inspect.signature(module.Writer.write)) == "(self, text, times=1)"
    taken.undo()
    assert importlib.reload(module).shout("a") == "A"


def test_a_call_inside_of_a_call_is_one(library: str):
    heard = Heard()
    taken = Taken(points(library), heard)
    module: Any = importlib.import_module(library)
    assert module.Writer().write_twice("a") == ["a", "a"]
    assert module.Special().write("b") == ["b"]  # which calls the one it inherits
    assert heard.calls == ["Writer.write_twice('a',)", "Special.write('b',)"]
    taken.undo()


def test_an_error_is_raised_as_it_is_and_not_delivered(library: str):
    heard = Heard()
    taken = Taken(points(library), heard)
    module: Any = importlib.import_module(library)
    with pytest.raises(ValueError):
        module.Writer().write(None)
    with pytest.raises(TypeError):
        module.Writer().write()
    assert heard.calls == []
    assert module.Writer().write("a") == ["a"]  # and the next call is heard
    assert heard.calls == ["Writer.write('a',)"]
    taken.undo()


def test_undone_everything_is_what_it_was(library: str):
    module: Any = importlib.import_module(library)
    before = [dict(vars(thing)) for thing in (module, module.Writer, module.Special)]
    path = list(sys.meta_path)
    taken = Taken(points(library), Heard())
    assert module.Writer.write is not before[1]["write"]
    assert "write" in vars(module.Special)
    taken.undo()
    taken.undo()
    assert [dict(vars(thing)) for thing in (module, module.Writer, module.Special)] == before
    assert sys.meta_path == path


def test_anothers_replacement_on_top_goes_on_and_ours_falls_silent(library: str):
    module: Any = importlib.import_module(library)
    original = module.shout
    heard = Heard()
    taken = Taken(points(library), heard)
    ours = module.shout
    module.shout = theirs = lambda text: f"<{ours(text)}>"
    assert module.shout("a") == "<A>"
    assert len(heard.calls) == 1
    taken.undo()
    assert module.shout is theirs
    assert module.shout("a") == "<A>"
    assert len(heard.calls) == 1

    again = Taken(points(library), heard)  # on top of theirs: heard once
    assert module.shout("a") == "<A>"
    assert len(heard.calls) == 2
    again.undo()
    assert module.shout is theirs

    module.shout = ours  # they put back what they had found
    last = Taken(points(library), heard)
    last.undo()
    assert module.shout is original


def test_a_module_that_is_not_there_or_breaks_says_so_itself(library: str, tmp_path: Path):
    (tmp_path / "broken_library.py").write_text("raise RuntimeError('broken')")
    heard = Heard()
    taken = Taken([*points("broken_library"), *points("no_such_library")], heard)
    with pytest.raises(RuntimeError, match="broken"):
        importlib.import_module("broken_library")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        importlib.import_module("no_such_library")
    taken.undo()
    assert heard.calls == []


def test_our_own_use_of_a_library_is_no_report(library: str):
    heard = Heard()
    taken = Taken(points(library), heard)
    module: Any = importlib.import_module(library)
    ours: dict[str, Any] = {"__name__": "anew.forwarders.somewhere", "library": module}
    exec("written, shouted = library.Writer().write('a'), library.shout('a')", ours)
    assert (ours["written"], ours["shouted"], heard.calls) == (["a"], "A", [])
    taken.undo()

"""Settings in classes and objects of a program's own are recorded as their values."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from anew import Experiment
from anew.errors import InvalidValue
from anew.tracking.by_value import MOST_VALUES, by_value
from anew.tracking.config import freeze

from .reading import state


class Base:
    seed = 0
    lr = 1.0


class Args(Base):
    batch_size = 64
    lr = 0.001
    _hidden = 1

    class Model:
        depth = 12

    @property
    def steps(self) -> int:
        return 7

    def helper(self) -> None: ...

    @staticmethod
    def tool() -> None: ...


class Plain:
    kind = "plain"

    def __init__(self) -> None:
        self.lr = 0.001
        self.inner = Slotted()
        self._cache = object()


class Slotted:
    __slots__ = ("unset", "width")

    def __init__(self) -> None:
        self.width = 3


class Cyclic:
    def __init__(self) -> None:
        self.me = self
        self.name = "x"


class AttrDict(dict):  # type: ignore[type-arg]
    __getattr__ = dict.__getitem__  # raises KeyError where hasattr() expects AttributeError


class DotDict(dict):  # type: ignore[type-arg]
    __getattr__ = dict.get  # has every attribute


ARGS = {"seed": 0, "lr": 0.001, "batch_size": 64, "Model": {"depth": 12}}
PLAIN = {"kind": "plain", "lr": 0.001, "inner": {"width": 3}}


GIVEN = {
    "class": (Args, ARGS), "of a class": (Args(), ARGS), "object": (Plain(), PLAIN),
    "raises": (AttrDict(lr=0.1), {"lr": 0.1}), "has all": (DotDict(lr=0.1), {"lr": 0.1}),
}  # fmt: skip


@pytest.mark.parametrize("which", GIVEN)
def test_it_is_taken_as_a_configuration_and_as_a_parameter(which: str, root: Path) -> None:
    given, kept = GIVEN[which]
    assert freeze(given) == kept
    with Experiment("a/b", root=root, config=given, params={"deep": [{"er": given}]}) as exp:
        exp.params.set(args=given)
    known = state(exp.folder)
    assert known.config == kept
    assert known.params == {"args": kept, "deep": [{"er": kept}]}


def test_what_a_library_made_stands_for_itself() -> None:
    for value in (
        json.JSONEncoder,
        json.JSONDecoder(),
        functools.partial(print),
        ValueError("x"),
        Path("a"),
        len,
    ):
        assert by_value({"it": value})["it"] is value
    with pytest.raises(InvalidValue):
        freeze(json.JSONDecoder())
    assert freeze({"a": Cyclic()})["a"]["name"] == "x"


def test_data_given_by_mistake_is_refused_by_name() -> None:
    class Loader:
        def __init__(self) -> None:
            self.items = [[i] for i in range(MOST_VALUES)]

    with pytest.raises(InvalidValue, match="list"):
        freeze({"loader": Loader()})


def test_the_same_program_has_the_same_configuration_wherever_its_objects_lie(root: Path) -> None:
    program = (
        "import functools, sys\nfrom anew import Experiment\ndef gelu(x, approximate): ...\n"
        "config = {'act': functools.partial(gelu, approximate='tanh'), 'of': object(), 'it': lambda: 0}\n"
        "padding = [bytes(1000) for _ in range(int(sys.argv[2]))]\n"
        "with Experiment('a/b', root=sys.argv[1], quiet=True, config=config, resume='allow', "
        "config_conflict='refuse'): pass\n"
    )
    for padding in ("1", "90000"):
        subprocess.run([sys.executable, "-c", program, str(root), padding], check=True)
    known = state(root / "a" / "b")
    assert "0x" not in str(known.config)
    assert [one.config for one in known.openings()] == [None, None]

"""The history of aliases is a list of moves, whatever was done in between: held against a plain model of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anew import Store
from anew.errors import NotFound
from anew.models.registry import Registry, Target

ALIASES = ("best", "prod")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.none()),
        st.tuples(st.just("promote"), st.tuples(st.sampled_from(ALIASES), st.integers(1, 4))),
        st.tuples(st.just("demote"), st.sampled_from(ALIASES)),
        st.tuples(st.just("withdraw"), st.integers(1, 4)),
        st.tuples(st.just("restore"), st.integers(1, 4)),
        st.tuples(st.just("rename"), st.sampled_from(["one", "two"])),
        st.tuples(st.just("delete"), st.none()),
    ),
    max_size=14,
)


def replayed(registry: Registry, steps: list[tuple[str, Any]]) -> None:
    """Do the steps in a registry and in dictionaries; both say the same after each."""
    registry.create("one")
    name, there, withdrawn = "one", {}, set()
    meant: dict[str, int] = {}
    moves: list[tuple[str, int | None, int | None]] = []
    for number, (what, given_) in enumerate(steps):
        match what:
            case "register":
                target = Target(points_to="address", ref=f"s3://b/{number}")
                made = registry.register(name, target)
                assert made.number == len(there) + 1
                there[made.number] = target.ref
            case "promote":
                alias, version = given_
                if version in there and version not in withdrawn:
                    registry.point(name, alias, version, why=str(number))
                    moves.append((alias, meant.get(alias), version))
                    meant[alias] = version
                else:
                    with pytest.raises(NotFound):
                        registry.point(name, alias, version)
            case "demote":
                if meant.get(given_) in set(there) - withdrawn:
                    registry.unpoint(name, given_)
                    moves.append((given_, meant.pop(given_), None))
                else:
                    with pytest.raises(NotFound):
                        registry.unpoint(name, given_)
            case "withdraw" if given_ in there and given_ not in withdrawn:
                registry.withdraw(f"{name}:{given_}")
                withdrawn.add(given_)
            case "restore" if given_ in withdrawn:
                registry.restore_version(f"{name}:{given_}")
                withdrawn.remove(given_)
            case "rename":
                registry.rename(name, given_)
                name = given_
            case "delete":
                registry.delete(name)
                registry.restore(name)
        model = registry.model(name, history=True)
        assert {one.number: one.ref for one in model.versions} == {
            number: ref for number, ref in there.items() if number not in withdrawn
        }
        assert {one.alias: one.number for one in model.aliases} == {
            alias: number for alias, number in meant.items() if number not in withdrawn
        }
        told = [one for one in model.history if one.what == "alias"]
        assert [(one.alias, one.before, one.number) for one in told] == moves


def check(root: Path, steps: list[tuple[str, Any]]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    with Store(root) as store:
        replayed(store.models.registry, steps)
        before = store.models.registry.models(history=True)
    # The files of two authors, and the lines in another order, say the same.
    journal = root / ".anew" / "root"
    (file,) = journal.glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[::2][::-1]))
    (journal / "other.jsonl").write_bytes(b"".join(lines[1::2][::-1]))
    with Store(root) as store:
        assert store.models.registry.models(history=True) == before


RELAXED = [HealthCheck.function_scoped_fixture]


@given(STEPS)
@settings(max_examples=8, deadline=None, suppress_health_check=RELAXED)
def test_aliases_and_their_history_are_what_was_done(tmp_path: Path, steps: list[tuple[str, Any]]):
    check(tmp_path / "store", steps)


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=RELAXED)
def test_the_same_of_many(tmp_path: Path, steps: list[tuple[str, Any]]):
    check(tmp_path / "store", steps)

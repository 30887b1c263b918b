"""What readers of other trackers type says what to call instead."""

import copy
import re
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.reading.habits import OF_A_STORE, OF_A_VIEW


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Experiment("a/b/c", root=str(tmp_path), quiet=True, config={"lr": 0.1}) as exp:
        exp.log({"loss": 0.5}, step=0)
    return Store(tmp_path)


@pytest.mark.parametrize("name", sorted(OF_A_VIEW))
def test_an_attribute_of_another_tracker_says_what_to_ask_of_an_experiment(
    store: Store, name: str
) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(store["a/b/c"], name)
    assert raised.value.name == name
    assert OF_A_VIEW[name] in str(raised.value)


@pytest.mark.parametrize("name", sorted(OF_A_STORE))
def test_an_attribute_of_another_tracker_says_what_to_ask_of_a_store(
    store: Store, name: str
) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(store, name)
    assert raised.value.name == name
    assert OF_A_STORE[name] in str(raised.value)


def test_what_nobody_has_is_missing_and_copies_still_work(store: Store) -> None:
    view = store["a/b/c"]
    assert not hasattr(view, "zzz")
    assert not hasattr(store, "zzz")
    assert copy.copy(view).id == view.id


def test_every_call_that_is_named_exists(store: Store) -> None:
    view = store["a/b/c"]
    for hint in [*OF_A_VIEW.values(), *OF_A_STORE.values()]:
        for owner, name in re.findall(r"\b(store|view)\.(\w+)", hint):
            assert hasattr({"store": store, "view": view}[owner], name)

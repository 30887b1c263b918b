"""Files give experiments the colours that the page gives them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from anew import Experiment, Store
from anew.printing.colours import Colours, colour_in, group_key, slots_of
from anew.query.edits import AppendQuestion
from anew.record.edits import DocumentEdit

PAGE = Path(__file__).parents[2] / "web" / "src" / "colours.ts"


def test_the_table_of_colours_is_that_of_the_page():
    text = PAGE.read_text()
    light = re.search(r"const LIGHT = \[(.*?)\]", text, re.DOTALL)[1]
    shades = re.findall(r'"(#\w{6})"', light)
    dashes = re.search(r"const DASHES[^=]*= (\[.*?\]);", text)[1]
    table = [
        (shade, tuple(dash)) for dash in msgspec.json.decode(dashes.encode()) for shade in shades
    ]
    assert [(one.shade, one.dash) for one in map(colour_in, range(len(table)))] == table
    assert colour_in(len(table)) == colour_in(0)


def test_keys_get_the_places_that_the_page_gives_them():
    def names(count: int) -> list[str]:
        return [f"experiment-{at}" for at in range(count)]

    # `web/src/colours.test.ts` has the same numbers.
    assert list(slots_of(names(9)).values()) == [1, 14, 22, 24, 5, 23, 11, 8, 6]
    assert list(slots_of(names(40)).values())[-6:] == [108, 47, 106, 173, 176, 67]
    assert slots_of(["a", "é", "猫", "😀"], {"b": 3, "a": 3, "猫": 3}, {"é": 30}) == {
        "é": 30, "a": 3, "猫": 2, "😀": 7,
    }  # fmt: skip
    assert list(slots_of(['[0.1,"sgd"]', "[null,true]"]).values()) == [4, 6]


def test_a_group_is_called_as_in_the_page():
    assert group_key([0.1, "sgd", None, True, 2.0]) == '[0.1,"sgd",null,true,2]'


def test_what_somebody_chose_is_kept_and_others_make_room(tmp_path):
    with Experiment("a/b/c", root=tmp_path, quiet=True, console="off", system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    with Store(str(tmp_path)) as store:
        usual = Colours(store.backend)
        usual.see([exp.id, "other"])
        taken = slots_of(sorted([exp.id, "other"]))["other"]
        edit = DocumentEdit(kind="colour", name=exp.id, body={"slot": taken}, scope="root")
        store.backend.append(AppendQuestion((edit,)))
        chosen = Colours(store.backend)
        chosen.see([exp.id, "other"])
        assert chosen.of(exp.id) == colour_in(taken)
        assert chosen.of("other") != chosen.of(exp.id)


@pytest.mark.parametrize("count", [8, 28, 100, 224])
def test_no_two_that_are_shown_together_are_alike_while_there_are_enough(count):
    assert len(set(slots_of([f"{at}" for at in range(count)]).values())) == count

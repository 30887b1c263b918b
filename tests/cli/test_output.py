import json
import math
from enum import Enum
from pathlib import Path

import numpy as np

from anew.cli.output import Output, as_json
from anew.cli.table import Column


class Colour(Enum):
    RED = "red"


def test_everything_becomes_valid_json():
    document = {
        1: [math.nan, math.inf, -math.inf, 0.5],
        "a": (np.float32(0.5), np.arange(2), Path("/x"), {"s"}, Colour.RED, None, True),
    }
    text = json.dumps(as_json(document), allow_nan=False)
    assert json.loads(text) == {
        "1": ["NaN", "Infinity", "-Infinity", 0.5],
        "a": [0.5, [0, 1], "/x", ["s"], "red", None, True],
    }


def table():
    return [
        Column("ID", ["abcdefghijkl"]),
        Column("NAME", ["alice/vision/a-long-name-at-the-end"], least=12, path=True),
        Column("LOSS", ["0.5"], True, weight=2),
        Column("NOTES", ["x" * 30], weight=5),
    ]


def test_a_file_gets_aligned_text_with_nothing_cut(capsys):
    Output().table(table())
    assert capsys.readouterr().out.splitlines() == [
        f"ID            NAME{' ' * 31}  LOSS  NOTES",
        f"abcdefghijkl  alice/vision/a-long-name-at-the-end   0.5  {'x' * 30}",
    ]


def test_wide_characters_are_aligned_by_their_cells(capsys):
    Output().table([Column("A", ["実験", "ab"]), Column("B", ["1", "2"])])
    assert capsys.readouterr().out.splitlines() == ["A     B", "実験  1", "ab    2"]


def test_cells_cannot_break_a_line_or_colour_a_terminal(capsys):
    Output().table([Column("A", ["x\ny\x1b[1m"])])
    assert capsys.readouterr().out == "A\nx\\ny\\x1b[1m\n"


def test_remarks_go_to_standard_error_and_only_for_people(capsys):
    Output("human").say("hello")
    Output("json").say("no")
    Output("quiet").say("no")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_nobody_is_asked_without_a_terminal():
    assert Output().confirm("Delete?") is False


def test_where_something_stands_is_told_now_and_then_to_a_log(capsys):
    out = Output()
    with out.status(every=0.0) as status:
        status("step 1 of 3")
        status("step 1 of 3")
        status("step 2 of 3")
    assert capsys.readouterr().err.splitlines() == ["step 1 of 3", "step 2 of 3"]
    with out.status() as status:
        status("too soon")
    assert capsys.readouterr().err == ""
    with Output("json").status(every=0.0) as status:
        status("nobody reads it")
    assert capsys.readouterr().err == ""

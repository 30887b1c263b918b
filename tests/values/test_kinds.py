"""What is recognised as a value, and read back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pyarrow as pa
import pytest

from anew.values import KINDS, Histogram, Image, Table, Text, as_value, load
from later import later

go = later("plotly.graph_objects")
figures = later("matplotlib.figure")
pl = later("polars")


def test_pictures_figures_and_data_frames_are_recognised() -> None:
    def kind(thing: object) -> str | None:
        value = as_value(thing)
        return None if value is None else value.kind

    assert kind(PIL.Image.new("L", (2, 2))) == "image"
    assert kind(figures.Figure()) == "figure"
    assert kind(figures.Figure().subplots()) == "figure"
    assert kind(go.Figure()) == "figure"
    assert kind(pd.DataFrame({"a": [1]})) == "table"
    assert kind(pl.DataFrame({"a": [1]})) == "table"
    assert kind(pa.table({"a": [1]})) == "table"
    text = Text("x")
    assert as_value(text) is text


def test_what_could_mean_several_things_is_not_guessed() -> None:
    for thing in ("text", b"bytes", 3, [1, 2], {"a": 1}, np.zeros((4, 4)), pd.Series([1]), None):
        assert as_value(thing) is None


def test_kinds_go_by_their_names() -> None:
    assert {"audio", "figure", "histogram", "image", "table", "text", "video"} <= set(KINDS)
    assert all(kind.kind == name for name, kind in KINDS.items())


def test_values_are_read_back_by_kind(tmp_path: Path) -> None:
    saved = Histogram([1, 2]).save(str(tmp_path), "h")
    assert isinstance(load("histogram", saved.data, None), Histogram)
    assert isinstance(load("table", {"columns": ["a"], "rows": [[1]]}, None), Table)
    assert isinstance(load("text", "words", None), Text)
    path = Image(np.zeros((2, 2))).save(str(tmp_path), "i").path
    assert load("image", None, str(tmp_path / str(path))).startswith(b"\x89PNG")
    assert load("of a later version", {"a": 1}, None) == {"a": 1}


def test_a_file_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image(np.zeros((2, 2)))

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(PIL.Image.Image, "save", fail)
    with pytest.raises(OSError, match="no space left"):
        image.save(str(tmp_path / "values"), "x")
    assert list((tmp_path / "values").iterdir()) == []


def test_importing_values_loads_no_library_of_arrays_or_pictures() -> None:
    code = (
        "import sys, anew.values as v; v.as_value(3); v.as_value('text'); "
        "print([m for m in ('numpy', 'PIL', 'pandas', 'pyarrow', 'matplotlib', 'plotly', 'msgspec') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout == "[]\n"

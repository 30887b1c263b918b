"""Texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.errors import InvalidValue
from anew.values import Text


def test_a_short_text_is_kept_in_the_record(tmp_path: Path) -> None:
    saved = Text("Once upon a time …", caption="sample").save(str(tmp_path), "x")
    assert saved.path is None
    assert saved.data == "Once upon a time …"
    assert saved.metadata == {"caption": "sample", "format": "plain", "characters": 18}
    assert list(tmp_path.iterdir()) == []
    assert str(Text.load(saved.data, None)) == "Once upon a time …"


@pytest.mark.parametrize(
    ("format", "suffix"), [("plain", "txt"), ("markdown", "md"), ("html", "html")]
)
def test_a_long_text_is_a_file(tmp_path: Path, format: str, suffix: str) -> None:
    text = "# Bericht über alles\r\n" * 2000
    saved = Text(text, format=format).save(str(tmp_path), "x")
    assert saved.path == f"x.{suffix}"
    assert saved.data is None
    assert (tmp_path / saved.path).read_bytes().decode() == text
    assert str(Text.load(None, str(tmp_path / saved.path))) == text


def test_what_utf8_cannot_hold_is_written_out(tmp_path: Path) -> None:
    assert Text("a\ud800b").save(str(tmp_path), "x").data == "a\\ud800b"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidValue):
        Text(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue):
        Text("x", format="pdf")

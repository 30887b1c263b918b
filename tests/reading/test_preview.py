"""What can be shown of a logged file."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anew.reading.preview import Preview, preview


def shown(data: bytes, name: str, **more: int) -> Preview:
    return preview(io.BytesIO(data), len(data), name, **more)


def test_a_text_is_shown_as_text_whatever_its_ending():
    page = b"<script>alert(1)</script>"
    for name in ("x.html", "x.svg", "x", "x.py"):
        found = shown(page, name)
        assert (found.kind, found.text, found.more) == ("text", page.decode(), False)


def test_a_long_text_is_shown_up_to_a_limit():
    found = shown(b"a" * 1_000_000, "x.txt")
    assert found.more
    assert found.text is not None
    assert len(found.text) == 256 << 10


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_rows_of_a_table_come_page_by_page(ending: str):
    separator = "," if ending == "csv" else "\t"
    text = separator.join(["name", "score"]) + "\n"
    text += "".join(f"n{i}{separator}{i}\n" for i in range(250))
    first = shown(text.encode(), f"x.{ending}")
    assert (first.kind, first.columns, first.total, first.more) == (
        "table", ("name", "score"), 250, True
    )  # fmt: skip
    last = shown(text.encode(), f"x.{ending}", start=200)
    assert (len(last.rows), last.rows[-1], last.more) == (50, ("n249", "249"), False)


def test_a_row_with_too_few_or_too_many_values_does_not_move_the_others():
    found = shown(b"a,b\n1\n1,2,3\n", "x.csv")
    assert found.rows == (("1", None), ("1", "2"))


def test_of_a_huge_table_the_beginning_is_read_and_its_length_is_not_known():
    found = shown(b"a,b\n" + b"1,2\n" * 2_000_000, "x.csv")
    assert (found.kind, found.total, found.more, len(found.rows)) == ("table", None, True, 100)


def test_a_parquet_file_is_read_a_page_at_a_time():
    buffer = io.BytesIO()
    table = pa.table({"n": list(range(500)), "t": [f"t{n}" for n in range(500)]})
    pq.write_table(table, buffer, row_group_size=100)
    found = shown(buffer.getvalue(), "x.parquet", start=150, limit=100)
    assert (found.total, found.rows[0], found.rows[-1]) == (500, (150, "t150"), (249, "t249"))


def test_lines_of_json_are_a_table_and_those_of_other_things_a_text():
    assert shown(b'{"a": 1}\n{"b": [2]}\n', "x.jsonl").rows == ((1, None), (None, [2]))
    assert shown(b"1\n2\n", "x.jsonl").kind == "text"


def test_what_is_no_table_says_so_and_is_shown_as_it_is():
    broken = shown(b"PAR1 is not this", "x.parquet")
    assert (broken.kind, broken.text) == ("text", "PAR1 is not this")
    assert broken.problem
    assert shown(b"{broken\n", "x.jsonl").problem
    assert shown(b"\x00\x01", "x.bin").kind == "binary"


def test_media_are_left_to_the_browser():
    assert shown(b"", "x.PNG").kind == "image"
    assert shown(b"", "x.mp4").kind == "video"
    assert shown(b"<svg/>", "x.svg").kind == "text"

"""Console text folded to the lines a terminal would have been left with."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from anew.monitor.folding import MAX_LINE, LineFolder

PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            "epoch 1",
            "\n",
            "\r",
            "\b",
            "\t",
            " ",
            "\x1b[A",
            "\x1b[2K",
            "\x1b[K",
            "\x1b[1;31m",
            "\x1b[0m",
            "\x1b[3D",
            "\x1b[2C",
            "\x1b[J",
            "\x1b]0;title\x07",
            "\x1b[B",
            "é😀",
            "\x1b[F",
        ]
    ),
    max_size=40,
).map("".join)


def folded(*texts: str) -> str:
    folder = LineFolder()
    return "".join([folder.feed(text) for text in texts] + [folder.flush()])


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"])).flatmap(
        lambda line: st.lists(st.just(line) | st.text("ab ", max_size=5), max_size=6)
    )
)
def test_plain_lines_come_out_as_they_went_in(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    assert folded(text) == text


@pytest.mark.parametrize("examples", [200, pytest.param(1500, marks=pytest.mark.slow)])
def test_how_the_text_is_cut_into_writes_makes_no_difference(examples: int) -> None:
    @settings(max_examples=examples)
    @given(PIECES, st.lists(st.integers(0, 200), max_size=6))
    def check(text: str, cuts: list[int]) -> None:
        at = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
        parts = [text[a:b] for a, b in pairwise(at)]
        assert folded(*parts) == folded(text)

    check()


@given(PIECES)
def test_nothing_but_text_tabs_and_newlines_comes_out(text: str) -> None:
    result = folded(text)
    assert not [c for c in result if ord(c) < 32 and c not in "\n\t"]
    assert result == "" or result.endswith("\n")


def test_a_line_is_given_back_when_it_is_complete() -> None:
    folder = LineFolder()
    assert folder.feed("epoch ") == ""
    assert folder.feed("1") == ""
    assert folder.feed("\nepoch 2") == "epoch 1\n"
    assert folder.flush() == "epoch 2\n"
    assert folder.flush() == ""


def test_a_progress_bar_leaves_its_last_state() -> None:
    states = [f"\r{percent:3}%|{'#' * (percent // 10):10}|" for percent in range(101)]
    assert folded(*states, "\n", "done\n") == "100%|##########|\ndone\n"


def test_what_a_shorter_state_does_not_cover_stays_as_on_a_terminal() -> None:
    assert folded("loss 0.12345\rloss 0.5\n") == "loss 0.52345\n"
    assert folded("loss 0.12345\r\x1b[Kloss 0.5\n") == "loss 0.5\n"
    assert folded("loss 0.12345\x1b[2K\rloss 0.5\n") == "loss 0.5\n"


def test_a_bar_that_wipes_itself_leaves_nothing_behind() -> None:
    assert folded("\r 50%|##  |", "\r          \r", "epoch 1: 0.5\n") == "epoch 1: 0.5\n"


def test_windows_line_ends_are_line_ends() -> None:
    assert folded("one\r\ntwo\r\n") == "one\ntwo\n"


def test_colours_titles_and_links_are_taken_out() -> None:
    assert (
        folded("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x07\n")
        == "red link\n"
    )


def test_an_escape_code_cut_in_two_is_still_one() -> None:
    assert folded("a\x1b[3", "1mb\x1b", "[0mc\n") == "abc\n"


def test_an_escape_code_that_never_ends_does_not_swallow_the_rest() -> None:
    result = folded("\x1b]0;" + "x" * 10_000, "\nnext\n")
    assert result.endswith("next\n")


def test_two_bars_that_move_the_cursor_leave_one_line_each() -> None:
    def both(inner: int, outer: int) -> str:
        return f"\router {outer}%\n\rinner {inner}%\x1b[A"

    text = both(0, 0) + "".join(both(i, o) for o in range(10) for i in range(100))
    result = folded(text, "\n\n", "done\n")
    assert result == "outer 0%\nouter 9%\ninner 99%\ndone\n"


def test_a_line_without_end_is_given_in_pieces() -> None:
    folder = LineFolder()
    given_back = "".join(folder.feed("." * 1000) for _ in range(200))
    assert len(given_back) >= 2 * MAX_LINE
    assert len(folder.flush()) <= MAX_LINE + 1
    assert len(folded("\r" + "x" * (3 * MAX_LINE))) >= 3 * MAX_LINE


def test_a_real_progress_display_leaves_a_handful_of_lines() -> None:
    raw = io.StringIO()
    console = Console(file=raw, force_terminal=True, width=80, legacy_windows=False)
    with Progress(console=console, auto_refresh=False) as progress:
        tasks = [progress.add_task(f"task {n}", total=200) for n in range(3)]
        for step in range(200):
            for task in tasks:
                progress.advance(task)
            progress.refresh()
            if step == 100:
                progress.console.print("half way")
    lines = folded(raw.getvalue()).splitlines()
    assert len(raw.getvalue().splitlines()) > 500
    assert len(lines) < 15
    assert [line.split()[0:2] for line in lines[-3:]] == [["task", str(n)] for n in range(3)]
    assert all("100%" in line for line in lines[-3:])
    assert "half way" in lines

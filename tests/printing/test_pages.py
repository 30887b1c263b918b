"""What stands where on the pages of a PDF: columns that fit, headings with what follows them, type in bold, and what colours mean."""

from __future__ import annotations

import re
from typing import Any

import pytest

from anew import Experiment, Store
from anew.printing import write_report
from anew.printing.breaks import kept
from anew.printing.colours import Colours
from anew.printing.columns import columns_of, width_of
from anew.printing.pdf import check, register

WIDTH = 490.0


@pytest.fixture(autouse=True)
def fonts() -> None:
    check()
    register()


def test_columns_are_as_wide_as_what_stands_in_them_where_there_is_room():
    rows = [("name", "lr"), ("a run", "0.001"), ("the other run", "0.1")]
    (only,) = columns_of(rows, frozenset({1}), WIDTH, markup=False)
    assert [at for at, _ in only] == [0, 1]
    assert sum(wide for _, wide in only) < WIDTH / 2
    assert only[0][1] > width_of("the other run")


def test_a_table_that_is_too_wide_goes_on_below_with_its_first_column():
    rows = [["name", *(f"setting {at}" for at in range(30))], ["a run", *["0.123456"] * 30]]
    parts = columns_of(rows, frozenset(range(1, 31)), WIDTH, markup=False)
    assert len(parts) > 1
    assert all(some[0][0] == 0 for some in parts)
    assert [at for some in parts for at, _ in some[1:]] == list(range(1, 31))
    for some in parts:
        assert sum(wide for _, wide in some) <= WIDTH + 1e-6
        assert all(wide > width_of("0.123456") for _, wide in some[1:])  # no number is broken
    assert max(map(len, parts)) - min(map(len, parts)) <= 2


def test_as_many_columns_are_repeated_as_say_which_row_it_is():
    rows = [["kind", "was", "is", *(f"column {at}" for at in range(30))], ["+", "", "1", *["0.123456"] * 30]]  # fmt: skip
    parts = columns_of(rows, frozenset(range(1, 33)), WIDTH, markup=False, lead=3)
    assert all([at for at, _ in some[:3]] == [0, 1, 2] for some in parts)
    assert [at for some in parts for at, _ in some[3:]] == list(range(3, 33))
    (narrow,) = columns_of([["a", "b"]], frozenset(), WIDTH, markup=False, lead=3)
    assert [at for at, _ in narrow] == [0, 1]


def test_long_texts_share_the_room_that_is_there():
    rows = [["name", "why"], ["x" * 400, "so many words " * 30], ["漢字" * 80, "short"]]
    (only,) = columns_of(rows, frozenset(), WIDTH, markup=False)
    assert abs(sum(wide for _, wide in only) - WIDTH) < 1e-6
    assert min(wide for _, wide in only) > 100


def _built(flow: list[Any]) -> list[Any]:
    """On which page each heading and each part of what follows it stands."""
    from io import BytesIO

    from reportlab.platypus import Flowable, SimpleDocTemplate

    placed: list[Any] = []

    class Told(Flowable):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def wrap(self, *_: float) -> tuple[float, float]:
            return 0, 0

        def draw(self) -> None:
            placed.append((self.name, self.canv.getPageNumber()))

    made = [Told(one) if isinstance(one, str) else one for one in flow]
    SimpleDocTemplate(BytesIO(), pagesize=(600, 400), topMargin=44, bottomMargin=44).build(made)
    return placed


@pytest.mark.parametrize("left", range(10, 140, 10))
def test_a_heading_is_not_alone_at_the_end_of_a_page_and_a_table_goes_on_below_it(left):
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Spacer, Table

    head = Paragraph("A heading", ParagraphStyle("h2", fontSize=14, leading=18, spaceBefore=12))
    table = Table([["a", "b"]] * 14, rowHeights=[17] * 14)
    flow = [Spacer(1, 300 - left), *kept([head, table], 400)]
    placed = dict(_built([*flow[:-1], "table", flow[-1], "end"]))
    assert placed["end"] == 2
    room = left - 18 - 12
    assert placed["table"] == (1 if room >= 44 else 2), left


@pytest.mark.parametrize("left", [100, 140, 180])
def test_a_drawing_stands_with_its_heading_where_there_is_room_for_both(left):
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Spacer

    head = Paragraph("A heading", ParagraphStyle("h2", fontSize=14, leading=18, spaceBefore=12))
    flow = [Spacer(1, 300 - left), *kept([head, [Spacer(1, 80), Spacer(1, 10)]], 400)]
    placed = dict(_built([*flow[:-1], "drawing", flow[-1]]))
    assert placed["drawing"] == (1 if left >= 30 + 90 else 2)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = str(tmp_path_factory.mktemp("pages"))
    for at in range(30):
        with Experiment(
            f"a/many/run{at}", root=root, quiet=True, console="off", system_metrics=0
        ) as exp:
            for step in range(3):
                exp.log_metrics({"loss": at + step}, step=step)
    with Store(root) as opened:
        opened.reports.save("curves", "Some **bold** text.\n\n```anew\nfigure: loss\n```\n", "a")
        yield opened


def test_what_is_bold_in_the_text_is_bold_in_the_pdf(store, tmp_path):
    written = write_report(store, "curves", tmp_path / "curves.pdf", project="a")
    fonts = set(re.findall(rb"/BaseFont /\w+\+([\w-]+)", written.path.read_bytes()))
    assert b"DejaVuSans-Bold" in fonts


def test_curves_have_the_colours_of_the_page_and_the_first_of_them_their_names(store, tmp_path):
    written = write_report(store, "curves", tmp_path / "curves.html", project="a")
    text = written.path.read_text()
    keys = re.findall(r'<li><i style="background:([^"]+)"></i>([^<]*)</li>', text)
    assert [name for _, name in keys] == [f"run{at}" for at in range(29, 5, -1)]
    assert "<li>and 6 more</li>" in text
    views = {view.name: view.id for view in store.list()}
    colours = Colours(store.backend)
    colours.see(views.values())
    for line, name in keys:
        own = colours.of(views[name])
        assert own.shade in line
        assert ("gradient" in line) is bool(own.dash)

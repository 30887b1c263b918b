"""Plots and media in a report as a file: all of the experiments, and the numbers that the analysis gives."""

from __future__ import annotations

import base64
import io
import re
from html import unescape

import numpy as np
import pytest

import anew
from anew import Store
from anew.analysis.values import values_of
from anew.printing import write_report
from anew.printing.boxes import boxes_of
from anew.printing.points import is_log
from anew.printing.words import short, title_of

from .test_glyphs import streams

QUIET = {"quiet": True, "console": "off", "system_metrics": 0}
BLOCKS = [
    "plot: scatter", "plot: parallel", "plot: slices", "plot: boxes\nsetting: params.opt", "plot: bars\nsetting: params.opt",
    "plot: compare\nsetting: params.opt", "plot: importance", "plot: histograms\nlimit: 12", "plot: histograms\nform: ridges\nlimit: 2",
    "plot: tables\norder: [-loss]\nrows: loss > 0.2", "names: [samples, no*]\nstep: 7\nlimit: 12\ncaption: How it went",
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = str(tmp_path_factory.mktemp("drawn"))
    random = np.random.default_rng(1)
    for at in range(12):
        params = {"lr": 10.0 ** (-at % 4), "seed": at // 4, "opt": "ab"[at % 2]}
        if at == 11:
            del params["lr"]
        with anew.Experiment(f"lab/v/run{at}", root=root, params=params, **QUIET) as exp:
            if at != 10:
                exp.log_metrics({"acc": at / 12 + (at % 2)}, step=0)
            for step in (0, 5, 10):
                exp.log_value("w", anew.Histogram(random.normal(step, 1, 100)), step=step)
                pixels = np.full((8, 8, 3), 20 * at + step, np.uint8)
                exp.log_value("samples", anew.Image(pixels), step=step)
            exp.log_value("notes", anew.Text(f"note {at} <b>"), step=5)
            exp.log_value("rows", anew.Table(columns=["loss"], data=[[at / 10], [0.5]]), step=1)
    with Store(root) as opened:
        text = "\n".join(f"```anew\n{one}\n```\n" for one in BLOCKS)
        opened.reports.save("drawn", text, "lab/v")
        yield opened


@pytest.fixture(scope="module")
def page(store, tmp_path_factory) -> list[str]:
    """What the HTML file has for each block."""
    written = write_report(
        store, "drawn", tmp_path_factory.mktemp("page") / "drawn.html", project="lab/v"
    )
    assert written.problems == ()
    return _figures(written.path.read_text())


def _figures(text: str) -> list[str]:
    body = text[text.index("<main>") : text.index("</main>")]
    return re.findall(r"<figure>.*?</figure>", body, re.DOTALL)


def _cells(figure: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", figure, re.DOTALL)
    return [[unescape(one) for one in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows]  # fmt: skip


def test_every_experiment_is_in_a_plot_or_said_to_be_beside_it(page):
    scatter, parallel, slices = page[:3]
    for one in (scatter, parallel, slices):
        assert "12 experiments · each drawn" in one
        assert "acc (max): 1 without, beside the axis" in one
        assert "lr: 1 without, beside the axis" in one
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", scatter)[1]).decode()
    # Ten dots, one at the top without a result, and one at the side without a setting.
    dots = re.search(r'<g id="PathCollection_1">(.*?)</g>\n   </g>', svg, re.DOTALL)[1]
    assert dots.count("<use ") == 10
    assert "<script" not in svg


def test_boxes_and_bars_have_the_numbers_of_all_results(store, page):
    values = values_of(store.backend, ["metrics.acc.max", "params.opt"], "prefix =~ '^lab/v/'")
    a, b = boxes_of(*values.columns, ())
    assert (a.label, len(a.values), a.without, len(b.values)) == ("a", 5, 1, 6)
    for figure in (page[4], page[6]):
        head, *rows = _cells(figure)
        assert head[:4] == ["opt", "n", "mean", "sd"]
        assert [row[:4] for row in rows] == [
            [one.label, str(len(one.values)), short(one.mean), short(one.sd)] for one in (a, b)
        ]
        assert "1 without a result" in figure


def test_a_comparison_says_what_the_analysis_says(store, page):
    told = store.analysis.compare(
        "metrics.acc.max", "params.opt == 'a'", "params.opt == 'b'", filter="prefix =~ '^lab/v/'"
    )
    verdict, sides, facts = page[7:10]
    assert 'alt="Each result of both groups' in verdict
    assert f"{short(told.result.difference)} higher" in verdict
    assert "A difference is shown." in verdict
    assert _cells(sides)[1][:3] == ["A: opt a", "5", short(told.result.a.mean)]
    rows = dict(_cells(facts)[1:])
    assert f"Hedges' g {short(told.result.effect)}" in rows["effect"]
    assert "by permutation" in rows["p"]
    assert unescape(facts).count(told.result.notes[0]) == 1


def test_what_matters_comes_with_its_interval(store, page):
    found = store.analysis.importance(
        "metrics.acc.max", ["params.lr", "params.opt", "params.seed"], filter="prefix =~ '^lab/v/'"
    )
    assert 'alt="What matters for acc (max)"' in page[10]
    rows = _cells(page[11])[1:]
    assert [row[0] for row in rows] == [title_of(one.field) for one in found]
    assert rows[0][1:3] == [
        f"{100 * found[0].share:.1f} %",
        f"{100 * found[0].interval[0]:.0f} to {100 * found[0].interval[1]:.0f} %",
    ]


def test_histograms_are_all_counted(page):
    heat, ridges = page[12:14]
    assert "w: 36 histograms, all counted." in heat
    assert all(f"run{at}" in heat for at in range(12))
    assert "w: 6 histograms" in ridges
    assert "The first 2 of 12 experiments." in ridges


def test_a_table_has_the_rows_that_meet_the_filter_in_their_order(page):
    assert _cells(page[14])[1:] == [["0", "1.1"], ["1", "0.5"]]
    assert "rows of run11, step 1: rows 1 to 2 of 2, of 2 rows." in page[14]


def test_media_are_those_of_the_step(page):
    media = page[15]
    names = re.findall(r'<p class="name">(.*?)</p>', media)
    assert names == ["samples", "notes"]
    images = re.findall(r'<img src="data:image/png;base64,([^"]+)" alt="(run\d+) step 5">', media)
    assert len(images) == 12
    from PIL import Image

    for data, name in images:
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert picture.convert("RGB").getpixel((0, 0))[0] == 20 * int(name[3:]) + 5
    assert "note 3 &lt;b&gt;" in media
    assert "<figcaption>How it went</figcaption>" in media


def test_a_pdf_has_the_same_in_words(store, page, tmp_path):
    written = write_report(store, "drawn", tmp_path / "drawn.pdf", project="lab/v")
    content = written.path.read_bytes()
    text = b" ".join(re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", streams(content))).decode("latin-1")
    text = re.sub(r"\\([()\\])", r"\1", text)
    for one in ("A difference is shown.", "share explained", "run11, step 1", "How it went", "each drawn"):  # fmt: skip
        assert one in text
    for number in (_cells(page[8])[1][2], _cells(page[4])[1][2], _cells(page[11])[1][1]):
        assert number in text
    assert content.count(b"/Subtype /Image") >= 7


@pytest.mark.parametrize(
    ("field", "title"),
    [
        ("params.lr", "lr"), ("metrics.val/acc.max", "val/acc (max)"), ("metrics.loss.min_step", "loss (at min)"), ("duration", "took"),
        ("metrics.last", "last"), ('params["a b"]', "a b"), ("name", "name"), ("metrics.loss", "loss"),
    ],
)  # fmt: skip
def test_fields_are_called_as_in_the_page(field, title):
    assert title_of(field) == title


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"), (12.0, "12"), (1234567.0, "1.235e+06"), (0.00012345, "1.234e-04"), (3.14159265, "3.1416"), (float("nan"), "NaN"),
        (None, ""), (-0.5, "-0.5"), (2.00001, "2"),
    ],
)  # fmt: skip
def test_numbers_read_as_in_the_page(number, text):
    assert short(number) == text


def test_the_axis_of_a_setting_that_spans_two_decades_is_logarithmic(store):
    values = values_of(store.backend, ["params.lr", "metrics.acc.max"])
    lr, acc = values.columns
    assert is_log(lr, ())
    assert not is_log(lr, ("-params.lr",))
    assert not is_log(acc, ())
    assert is_log(acc, ("metrics.acc.max",))


def test_what_is_marked_keeps_its_colour_and_the_rest_is_pale(store, tmp_path):
    blocks = ("plot: scatter\nsetting: params.lr\nbrush: {params.lr: 0.05..20}", "plot: parallel\naxes: [params.lr, metrics.acc.max]\nbrush: {params.lr: 0.05..20}", "plot: slices\nbrush: {metrics.acc.max: 0..0.5}")  # fmt: skip
    text = "\n".join(f"```anew\n{one}\n```\n" for one in blocks)
    written = write_report(store, store.reports.save("marks", text, "lab/v"), tmp_path / "m.html")
    store.reports.remove("marks", "lab/v")
    scatter, parallel, slices = _figures(written.path.read_text())
    for one in (scatter, parallel):
        assert "12 experiments · each drawn · 5 marked" in one
    assert "each drawn · 4 marked" in slices
    for one, pale in ((scatter, 5), (parallel, 7)):
        svg = base64.b64decode(re.search(r"base64,([^\"]+)", one)[1]).decode()
        assert len(re.findall(r"(?:fill|stroke): ?#dde1e6", svg)) == pale
    assert svg.count("opacity: 0.35") == 1  # the marked part of the axis


def test_boxes_and_masks_are_drawn_over_pictures_in_the_colours_of_their_classes(tmp_path):
    from PIL import Image

    root = str(tmp_path / "seen")
    with anew.Experiment("lab/seen", root=root, **QUIET) as exp:
        box = {"class": "cat", "box": (10, 10, 60, 50)}
        exp.log_value("scene", anew.Image(np.full((80, 100, 3), 255, np.uint8), boxes=[box]), step=1)  # fmt: skip
        mask = np.zeros((80, 100), np.uint8)
        mask[60:] = 1
        exp.log_value("scene/masks/truth", anew.Image(mask, classes={1: "road"}), step=1)
    with Store(root) as opened:
        report = opened.reports.save("seen", "```anew\nnames: [scene]\n```\n")
        page = write_report(opened, report, tmp_path / "seen.html").path.read_text()
    shades = {name: shade for shade, name in re.findall(r'background:(#\w+)"></i>(\w+)', page)}
    assert sorted(shades) == ["cat", "road"]
    (drawn,) = re.findall(r"data:image/(?:png|jpeg);base64,([^\"]+)", page)
    picture = Image.open(io.BytesIO(base64.b64decode(drawn))).convert("RGB")

    def far(at: tuple[int, int], shade: str, strength: float) -> float:
        own = [int(shade[one : one + 2], 16) for one in (1, 3, 5)]
        meant = [255 + (one - 255) * strength for one in own]
        return max(abs(a - b) for a, b in zip(picture.getpixel(at), meant, strict=True))

    assert far((30, 70), shades["road"], 0.5) < 12
    assert far((10, 30), shades["cat"], 1) < 60  # a thin line in a JPEG
    assert picture.getpixel((80, 30)) == (255, 255, 255)


def test_the_difference_of_two_tables_is_in_the_file(tmp_path):
    root = str(tmp_path / "differing")
    tables = {1: [[1, 0.5, "a"], [2, 0.25, "b"], [3, 0.1, "c"]], 2: [[1, 0.5, "a"], [2, 0.75, "b"], [4, 0.1, "d"]]}  # fmt: skip
    for run in ("one", "two"):
        with anew.Experiment(f"lab/{run}", root=root, **QUIET) as exp:
            for step, rows in tables.items():
                if run == "one" or step == 1:
                    exp.log_value("rows", anew.Table(columns=["id", "loss", "label"], data=rows), step=step)  # fmt: skip
    blocks = ("against: '1'\nkey: [id]\nwhose: lab/one", "against: '@lab/two'\nwhose: lab/one\nkey: [id]")  # fmt: skip
    with Store(root) as opened:
        text = "\n".join(f"```anew\nplot: tables\n{one}\n```\n" for one in blocks)
        written = write_report(opened, opened.reports.save("d", text), tmp_path / "d.html")
    steps, others = _figures(written.path.read_text())
    head, *rows = _cells(steps)
    assert head == ["", "was row", "is row", "id", "loss", "label"]
    assert sorted(rows) == sorted([
        ["~", "1", "1", "2", "0.25 → 0.75", "b"], ["−", "2", "", "3", "0.1", "c"], ["+", "", "2", "4", "0.1", "d"],
    ])  # fmt: skip
    assert "rows of one, step 2, against step 1: rows 1 to 3 of 3 · together by id · all 4 rows compared." in steps  # fmt: skip
    assert "+ 1 added · − 1 removed · ~ 1 changed · 1 same · changed in loss (1)" in steps
    assert "rows of one, step 2, against two, step 1: " in others
    assert _cells(others)[1:] == rows

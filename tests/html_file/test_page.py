"""One HTML file, everything in it, nothing in it that a browser would obey."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest

from anew import Experiment, Image, Store
from anew.errors import InvalidValue, NotFound
from anew.html_file import gather, write_html
from benchmarks.page_data import recorded

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
QUIET = {"quiet": True, "console": "off", "system_metrics": 0}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("html") / "experiments"
    for number, lr in enumerate((0.1, 0.01, 0.001)):
        with Experiment(
            f"a/sweep/run-{number}", root=root, params={"lr": lr, "seed": 0},
            config={"optimizer": "adam" if number else "sgd"}, tags={"sweep": None}, **QUIET,
        ) as exp:  # fmt: skip
            for step in range(50):
                exp.log_metrics({"val/loss": 1 / (1 + lr * step), "val/acc": lr * step}, step=step)
            exp.log_metrics({"val/loss": float("nan")}, step=50)
            exp.log_value("sample", Image(np.full((4, 4, 3), number, np.uint8)), step=3)
    with Experiment(
        "b/hostile", root=root, params={HOSTILE: HOSTILE, "lr": 1.0}, tags=[HOSTILE[:80]], **QUIET
    ) as exp:
        exp.log_metrics({HOSTILE: 1.0}, step=0)
        exp.log_value(HOSTILE, Image(np.zeros((2, 2, 3), np.uint8)), step=0)
    with Store(root) as opened:
        yield opened


class Page(HTMLParser):
    """The elements of a page with their attributes, and the texts of some."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def data(self):
        return json.loads(next(t for t in self.texts["script"] if t.startswith("{")))


def page_of(store, experiments, tmp_path, **options) -> tuple[str, Page]:
    written = write_html(store, experiments, tmp_path / "sweep.html", **options)
    text = written.path.read_text()
    assert written.bytes == len(text.encode())
    return text, Page(text)


def curve(data, metric, run):
    """The steps and values that the page has of one curve."""
    curves = next(one for one in data["curves"] if one["name"] == metric)
    numbers = np.frombuffer(base64.b64decode(curves["data"]), f"<f{curves['bytes']}").reshape(3, -1)
    at = curves["runs"].index(run)
    start = sum(curves["counts"][:at])
    part = numbers[:, start : start + curves["counts"][at]]
    return part[0] + curves["first"], part[2]


def test_every_point_of_every_curve_is_in_the_page(store, tmp_path):
    _, page = page_of(store, "'sweep' in tags", tmp_path)
    data = page.data()
    for number, (_, prefix, _) in enumerate(data["runs"]):
        for metric in ("val/loss", "val/acc"):
            series = store[prefix].metrics[metric].read()
            steps, values = curve(data, metric, number)
            np.testing.assert_array_equal(steps, series.steps)
            np.testing.assert_allclose(values, series.values, rtol=1e-6)


def test_a_curve_that_single_precision_would_flatten_is_kept_in_double(tmp_path):
    with Experiment("a/b", root=tmp_path / "e", **QUIET) as exp:
        for step in range(20):
            exp.log_metrics({"x": 1e9 + step / 100}, step=step)
    with Store(tmp_path / "e") as store:
        _, page = page_of(store, None, tmp_path)
    assert np.ptp(curve(page.data(), "x", 0)[1]) == pytest.approx(0.19, rel=1e-5)


def test_the_page_fetches_nothing_and_runs_no_script_but_its_own(store, tmp_path):
    text, page = page_of(store, None, tmp_path)
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed")
        assert not any(name.startswith("on") for name in attributes)
        if "src" in attributes:
            assert str(attributes["src"]).startswith("data:image/")
    policy = next(a["content"] for _, a in page.elements if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert [a.get("type") for tag, a in page.elements if tag == "script"] == [
        "application/json",
        None,
    ]


def test_text_from_records_stays_text(store, tmp_path):
    text, page = page_of(store, ["b/hostile", "a/sweep/run-0"], tmp_path, title=HOSTILE)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert any(HOSTILE in cell for cell in page.texts["button"])
    assert any(field["name"] == HOSTILE for field in page.data()["fields"])
    assert "".join(page.texts["title"]) == HOSTILE


def test_what_differs_is_a_column_and_what_is_the_same_is_folded(store, tmp_path):
    _, page = page_of(store, "'sweep' in tags", tmp_path)
    heads = page.texts["button"]
    assert {"lr", "optimizer", "best val/acc", "best val/loss"} <= set(heads)
    assert "seed" not in heads
    assert any("seed 0" in text for text in page.texts["p"])


def test_the_table_is_ranked_by_the_first_metric_and_marks_the_best(store, tmp_path):
    _, page = page_of(store, "'sweep' in tags", tmp_path, metrics=["val/acc", "val/loss"])
    rows = [a["data-run"] for tag, a in page.elements if tag == "tr" and "data-run" in a]
    prefixes = [run[1] for run in page.data()["runs"]]
    ranked = [prefixes[int(row)] for row in rows]
    assert ranked == ["a/sweep/run-0", "a/sweep/run-1", "a/sweep/run-2"]
    assert sum(a.get("class") == "best" for tag, a in page.elements if tag == "td") == 2


def test_no_value_is_marked_of_a_metric_whose_direction_nobody_knows(tmp_path):
    for number in range(3):
        with Experiment(f"p/{number}", root=tmp_path / "w") as exp:
            exp.log_metrics({"width": float(number), "acc": number / 3}, step=0)
    with Store(tmp_path / "w") as store:
        _, page = page_of(store, None, tmp_path, metrics=["width", "acc"])
    assert {"min width", "best acc"} <= set(page.texts["button"])
    assert sum(a.get("class") == "best" for tag, a in page.elements if tag == "td") == 1
    assert {one["name"]: one["better"] for one in page.data()["curves"]} == {
        "width": None,
        "acc": "max",
    }


def test_two_experiments_get_a_verdict_and_its_causes(store, tmp_path):
    _, page = page_of(store, ["a/sweep/run-0", "a/sweep/run-1"], tmp_path)
    assert "DIVERGED" in page.texts["b"]
    assert any("lr" in text for text in page.texts["li"])


def test_images_are_in_the_file_and_what_has_no_room_is_counted(store, tmp_path, monkeypatch):
    _, page = page_of(store, "'sweep' in tags", tmp_path)
    assert sum(tag == "img" for tag, _ in page.elements) == 3
    monkeypatch.setattr(gather, "MOST_PICTURES", 1)
    written = write_html(store, "'sweep' in tags", tmp_path / "less.html")
    assert any("2 of 3" in one for one in written.said)
    assert "2 of 3" in written.path.read_text()


def test_a_large_picture_is_made_smaller(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (1200, 900, 3), np.uint8)
    with Experiment("a/one", root=tmp_path / "store", **QUIET) as exp:
        exp.log_metric("loss", 1.0)
        exp.log_value("photo", Image(noise), step=0)
        exp.log_value("seen-through", Image(np.dstack([noise, noise[..., :1]])), step=0)
    with Store(tmp_path / "store") as store:
        _, page = page_of(store, None, tmp_path)
    urls = [given["src"] or "" for tag, given in page.elements if tag == "img"]
    assert sorted(url.partition(";")[0] for url in urls) == ["data:image/jpeg", "data:image/png"]
    assert max(map(len, urls)) < 1_500_000 < noise.nbytes
    photo = PIL.Image.open(io.BytesIO(base64.b64decode(min(urls, key=len).partition(",")[2])))
    assert photo.size == (480, 640)


def test_verdicts_of_re_runs_are_in_the_table(tmp_path):
    root = tmp_path / "store"
    for name in ("one", "two"):
        with Experiment(f"a/{name}", root=root, **QUIET) as exp:
            exp.log_metric("loss", 1.0)
    with Store(root) as store:
        first = store.get("a/one")
        with Experiment(
            "a/again", root=root, parent=first.id, relation="reproduces", **QUIET
        ) as exp:
            exp.log_metric("loss", 1.0)
            exp.capture("reproduction", {"verdict": "IDENTICAL"})
        _, page = page_of(store, ["a/one", "a/two"], tmp_path)
    assert [text for text in page.texts["td"] if text in ("identical", "–")][:2] == [
        "identical",
        "–",
    ]


@pytest.mark.slow
def test_twenty_experiments_with_ten_metrics_fit_into_two_megabytes(tmp_path):
    root = tmp_path / "store"
    recorded(root, 20, 10)
    with Store(root) as store:
        text, page = page_of(store, None, tmp_path)
    assert len(page.data()["curves"]) == 10
    assert len(text.encode()) <= 2_000_000


def test_thinned_curves_keep_their_extremes_and_the_page_says_so(tmp_path, monkeypatch):
    with Experiment("a/spike", root=tmp_path / "e", **QUIET) as exp:
        for step in range(3000):
            exp.log_metrics({"loss": 1000.0 if step == 1777 else 1.0}, step=step)
    monkeypatch.setattr(gather, "MOST_POINTS", 200)
    with Store(tmp_path / "e") as store:
        written = write_html(store, None, tmp_path / "r.html")
        data = Page(written.path.read_text()).data()
    _, values = curve(data, "loss", 0)
    assert values.max() == 1000.0
    assert len(values) < 300
    assert data["curves"][0]["points"] == 3000
    assert any("3,000" in one for one in written.said)


def test_a_metric_that_nobody_logged_is_refused_with_the_nearest(store, tmp_path):
    with pytest.raises(NotFound) as caught:
        write_html(store, "'sweep' in tags", tmp_path / "r.html", metrics=["val/los"])
    assert "val/loss" in caught.value.nearest
    assert not (tmp_path / "r.html").exists()


def test_another_ending_is_refused(store, tmp_path):
    with pytest.raises(InvalidValue):
        write_html(store, None, tmp_path / "sweep.pdf")


USE = """
const out = {}, chart = document.querySelector(".chart"), box = chart.getBoundingClientRect();
const status = () => chart.nextSibling.textContent;
const point = (kind, x, y) => chart.dispatchEvent(new PointerEvent(kind, {clientX: box.left + x, clientY: box.top + y}));
out.drawn = [...document.querySelectorAll("canvas")].map((one) => Number(one.dataset.curves));
out.strands = document.querySelectorAll("path.curve").length;
// Every point is on the screen, in the pixel where it belongs.
out.missed = panels.map((panel) => {
  const { width, data } = panel.canvas.getContext("2d").getImageData(0, 0, panel.canvas.width, panel.canvas.height);
  const ratio = panel.canvas.width / panel.width;
  const there = (x, y) => data[4 * (Math.floor(y * ratio) * width + Math.floor(x * ratio)) + 3] > 0;
  return panel.lines.map(({ points }) => Array.from({ length: points.length / 2 }, (_, at) => [points[2 * at], points[2 * at + 1]]).filter(([x, y]) => y === y && !there(x, y)).length);
});
const raster = new Raster(40, 40, 1), black = [0, 0, 0];
raster.line([2, 5, 20, 5, 10, 30, NaN, NaN, 35, 20], black, [], 1.4); // turns back, breaks, and ends in a point by itself
raster.line(Float64Array.from({ length: 80 }, (_, at) => (at % 2 ? (at === 37 ? 2 : 38) : at / 2)), black, [2, 30], 1.4); // a spike in a gap
out.drawnAt = [[10, 5], [15, 17], [35, 20], [18, 20], [1, 38], [30, 38]].map(([x, y]) => raster.image.data[4 * (y * 40 + x) + 3] > 0);
point("pointermove", 200, 60);
out.tip = document.getElementById("tip").textContent;
out.highlighted = document.querySelectorAll("path.hi").length;
point("pointerdown", 100, 50); point("pointermove", 200, 50); point("pointerup", 200, 50);
out.zoomed = status();
chart.dispatchEvent(new MouseEvent("dblclick"));
out.back = status();
document.querySelector("#runs input[type=checkbox]").click();
out.hidden = [status(), document.querySelectorAll("tr.off").length];
const head = [...document.querySelectorAll("#runs-table th button")].find((one) => one.textContent === "lr");
const order = () => [...document.querySelectorAll("#runs-table tbody tr")].map((row) => row.querySelector("td.name").textContent);
head.click(); out.up = order();
head.click(); out.down = order();
document.body.textContent = JSON.stringify(out);
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
def test_a_browser_draws_every_curve_and_answers_the_pointer(store, tmp_path):
    target = write_html(store, "'sweep' in tags", tmp_path / "sweep.html").path
    # The page's policy lets no other script run, this one neither.
    page = re.sub(r"<meta http-equiv[^>]*>", "", target.read_text())
    used = f"<script>setTimeout(() => {{ {USE} }}, 500)</script></body>"
    target.write_text(page.replace("</body>", used))
    dumped = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,2000", "--dump-dom", target.as_uri()],
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip
    told = json.loads(re.search(r"<body>(.*?)</body>", dumped, re.S).group(1))
    assert told["drawn"] == [3, 3]
    assert told["strands"] == 3  # of the parallel coordinates
    assert told["missed"] == [[0, 0, 0], [0, 0, 0]]
    assert told["drawnAt"] == [True, True, True, True, True, False]
    assert re.search(r"run-\d", told["tip"])
    assert told["highlighted"] == 3
    assert told["zoomed"] != told["back"]
    assert told["hidden"][1] == 1
    assert told["up"] == ["run-2", "run-1", "run-0"]
    assert told["down"] == ["run-0", "run-1", "run-2"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
def test_a_long_word_does_not_widen_the_page(tmp_path):
    from playwright.sync_api import sync_playwright

    root = tmp_path / "long"
    for number in range(2):
        with Experiment(
            f"a/b/{number}", root=root, config={"text": "x" * 300}, quiet=True, system_metrics=0
        ) as exp:
            exp.log_metrics({"m" * 150: 1.0}, step=1)
    with Store(root) as opened:
        write_html(opened, opened.list(), str(tmp_path / "long.html"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])  # fmt: skip
        page = browser.new_page(viewport={"width": 1024, "height": 700})
        page.goto(f"file://{tmp_path}/long.html")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()

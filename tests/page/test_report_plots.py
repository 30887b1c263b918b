"""Plots and media in a report: the page shows what the file has, follows what changes, and opens the view in its tab."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import numpy as np
import pytest

import anew
from anew import Experiment, Store
from anew.printing import write_report

from .conftest import Shown

BLOCKS = {
    "scatter": "plot: scatter\nsetting: params.lr\nfront: low-high",
    "parallel": "plot: parallel\naxes: [params.opt, params.lr, metrics.acc.max]\nbrush: {params.lr: 0.05..1}",
    "slices": "plot: slices",
    "boxes": "plot: boxes\nsetting: params.opt",
    "bars": "plot: bars\nsetting: params.lr",
    "compare": "plot: compare\nsetting: params.opt",
    "importance": "plot: importance",
    "histograms": "plot: histograms\nlimit: 3",
    "tables": "plot: tables\norder: [-loss]\nrows: loss > 0.2",
}
MEDIA = "names: ['sam*', notes]\nstep: 7\nlimit: 3\ncaption: How it went"


def _record(lab: Shown, project: str, at: int) -> str:
    params: dict[str, Any] = {"lr": 10.0 ** (-(at % 4)), "seed": at // 4, "opt": "ab"[at % 2]}
    if at == 7:
        del params["lr"]
    with Experiment(
        f"{project}/run{at}", root=str(lab.root), quiet=True, system_metrics=0, params=params
    ) as exp:
        if at != 6:
            exp.log_metrics({"acc": at / 12 + (at % 2)}, step=0)
        for step in (0, 5, 10):
            exp.log_value("w", anew.Histogram(np.arange(50.0) + at), step=step)
            exp.log_value("samples", anew.Image(np.full((8, 8, 3), 20 * at, np.uint8)), step=step)
        exp.log_value("notes", anew.Text(f"note {at}"), step=5)
        exp.log_value("rows", anew.Table(columns=["loss"], data=[[at / 10], [0.5]]), step=1)
        return exp.id


@pytest.fixture
def text() -> str:
    """A report with a block of each kind."""
    blocks = [*BLOCKS.values(), MEDIA]
    return "# Drawn\n\n" + "\n".join(f"```anew\n{one}\n```\n" for one in blocks)


@pytest.fixture
def trained(lab: Shown, project: str, text: str) -> list[str]:
    ids = [_record(lab, project, at) for at in range(8)]
    with Store(str(lab.root)) as store:
        store.reports.save("drawn", text, project)
    return ids


def _figures(text: str) -> list[str]:
    body = text[text.index("<main>") : text.index("</main>")]
    return re.findall(r"<figure>.*?</figure>", body, re.DOTALL)


def _cells(figure: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", figure, re.DOTALL)
    return [[unescape(one) for one in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows]  # fmt: skip


def _words(figure: str) -> str:
    return " ".join(map(unescape, re.findall(r"<p[^>]*>(.*?)</p>", figure)))


def _rows(plot: Any, table: str = "table") -> list[list[str]]:
    rows = plot.locator(f"{table} tbody tr")
    return [
        [one.strip() for one in row.locator("th, td").all_inner_texts()]
        for row in (rows.nth(at) for at in range(rows.count()))
    ]


def _said(plot: Any) -> str:
    return str(plot.locator(".said").first.inner_text()).replace("\u2009", ",")


@pytest.mark.slow
def test_the_page_shows_what_the_file_has(lab, project, trained, opened, tmp_path):
    asked: list[Any] = []
    with Store(str(lab.root)) as store:
        written = write_report(store, "drawn", tmp_path / "drawn.html", project=project)
    file = _figures(written.path.read_text())
    page = opened(lab)
    page.on("request", lambda one: asked.append(one.post_data_json) if "/analysis/values" in one.url else None)  # fmt: skip
    page.goto(f"{lab.url}reports?in={project}&at={project}:drawn")
    report = page.get_by_label("Report", exact=True)

    def plot(which: str) -> Any:
        found = report.locator(f'.plot[data-which="{which}"]')
        found.scroll_into_view_if_needed()
        return found

    report.locator("figure").first.wait_for()
    for at in range(10):  # each is there once it comes near
        figure = report.locator("figure").nth(at)
        _brought(page, figure, figure.locator("[data-which], [data-media]").first)
    for which, figure in (("scatter", file[0]), ("parallel", file[1])):
        plot(which).locator(f'[data-plot="{which}"][data-count="8"]').wait_for()
        assert _said(plot(which)) == _words(figure)
    assert "front of 2: low lr, high acc (max)" in _words(file[0])
    plot("slices").locator('[data-plot="slices"][data-count="8"]').wait_for()
    slices = plot("slices").locator("section")
    assert [slices.nth(at).locator("b").inner_text() for at in range(slices.count())] == ["lr", "opt"]  # fmt: skip
    assert "acc (max) by each of lr, opt" in file[2]
    # A line of the page says the same as the file, whatever the order of its parts.
    for which, numbers in (("boxes", file[4]), ("bars", file[6])):
        plot(which).locator("tbody tr").first.wait_for()
        assert _rows(plot(which)) == _cells(numbers)[1:]
        assert set(_said(plot(which)).split(" · ")) == set(_words(numbers).split(" · "))
    verdict, sides, facts = file[7:10]
    plot("compare").locator(".verdict").wait_for()
    assert plot("compare").locator(".verdict").inner_text() == _words(verdict)
    assert [row[1:] for row in _rows(plot("compare"))] == [row[1:] for row in _cells(sides)[1:]]
    terms = plot("compare").locator("dt").all_inner_texts()
    told = dict(zip(terms, plot("compare").locator("dd").all_inner_texts(), strict=True))
    for term, words in _cells(facts)[1:]:
        assert told[term] == words
    for note in plot("compare").locator(".notes li").all_inner_texts():
        assert note in _words(facts)
    plot("importance").locator("tbody tr").first.wait_for()
    assert _rows(plot("importance")) == _cells(file[11])[1:]
    plot("histograms").locator('[data-plot="histograms"][data-count="9"]').wait_for()
    assert "w: 9 histograms, all counted" in _said(plot("histograms"))
    assert "w: 9 histograms, all counted." in _words(file[12])
    plot("tables").locator("tbody tr").first.wait_for()
    assert _rows(plot("tables")) == _cells(file[13])[1:]
    assert f"{_said(plot('tables'))}." == _words(file[13])
    media = report.locator("[data-media]")
    media.scroll_into_view_if_needed()
    media.locator("img").nth(2).wait_for()
    names = media.locator("h2").all_inner_texts()
    assert [one.split()[0] for one in names] == re.findall(r'class="name">(\w+)<', file[14])
    captions = media.locator("section").first.locator("figcaption").all_inner_texts()
    assert [" ".join(one.split()[:3]) for one in captions] == re.findall(r'alt="(run\d step 5)"', file[14])  # fmt: skip
    assert report.get_by_text("How it went").count() == 1
    fields = [one["fields"] for one in asked]
    for wanted in (["params.lr", "metrics.acc.max"], ["params.opt", "params.lr", "metrics.acc.max"]):  # fmt: skip
        assert wanted in fields


@pytest.mark.slow
def test_the_difference_of_two_tables_is_that_of_the_file(lab, project, trained, opened, tmp_path):
    text = f"```anew\nplot: tables\nwhose: {project}/run1\nagainst: '@{project}/run0'\n```\n"
    with Store(str(lab.root)) as store:
        report = store.reports.save("held", text, project)
        written = write_report(store, report, tmp_path / "held.html")
    (file,) = _figures(written.path.read_text())
    page = opened(lab, f"reports?in={project}&at={project}:held")
    plot = page.get_by_label("Report", exact=True).locator('.plot[data-which="tables"]')
    plot.locator('[data-plot="table-difference"][data-count="1"]').wait_for()
    (row,) = _rows(plot)
    assert [" → ".join(one.split()) for one in row] == _cells(file)[1]
    assert row[-1] == "0 0.1"
    words, counts = (unescape(one) for one in re.findall(r"<p[^>]*>(.*?)</p>", file))
    assert f"{_said(plot)}." == words
    assert "rows of run1, step 1, against run0, step 1: " in words
    kinds = plot.get_by_role("group", name="Kinds of rows")
    assert [one.strip() for one in counts.split(" · ")] == [
        one.strip() for one in kinds.inner_text().split("\n") if one.strip()
    ]


@pytest.mark.slow
def test_plots_follow_what_changes_and_open_in_their_tab(lab, project, trained, opened):
    page = opened(lab, f"reports?in={project}&at={project}:drawn")
    report = page.get_by_label("Report", exact=True)
    scatter = report.locator('.plot[data-which="scatter"]')
    scatter.locator('[data-count="8"]').wait_for()
    media = report.locator("[data-media]")
    _brought(page, report.locator("figure").last, media.get_by_role("link", name="run7").first)
    _record(lab, project, 8)
    media.get_by_role("link", name="run8").first.wait_for()
    scatter.scroll_into_view_if_needed()
    scatter.locator('[data-count="9"]').wait_for()
    # Nothing of it can be changed here.
    assert scatter.locator("select, input, button").count() == 0
    scatter.locator(".drawing").click(position={"x": 300, "y": 100})
    page.get_by_role("group", name="Kinds of analysis").wait_for()
    page.locator('[data-plot="scatter"][data-count="9"]').wait_for()
    page.go_back()
    # What is drawn above it moves it away from a pointer.
    report.get_by_role("link", name="Open it in its tab").nth(5).dispatch_event("click")
    page.get_by_role("button", name="Compare two groups", pressed=True).wait_for()


def _brought(page: Any, figure: Any, drawn: Any) -> None:
    """Scroll to a figure until it is drawn: those above it grow meanwhile, and push it away again."""
    for _ in range(300):
        figure.scroll_into_view_if_needed()
        if drawn.count():
            break
        page.wait_for_timeout(200)
    drawn.wait_for()


@pytest.mark.slow
def test_a_preview_draws_plots_while_they_are_written(lab, project, trained, opened):
    page = opened(lab, f"reports?in={project}&at={project}:drawn")
    page.get_by_role("button", name="Edit").click()
    area = page.get_by_label("The text of the report in Markdown")
    preview = page.get_by_label("Preview", exact=True)
    area.fill(f"```anew\n{BLOCKS['boxes']}\n```\n")
    preview.locator('.plot[data-which="boxes"] [data-count="8"]').wait_for()
    area.fill("```anew\nplot: boxs\n```\n")
    preview.get_by_text("Did you mean 'boxes'?").wait_for()
    area.fill(f"```anew\nplot: scatter\nexperiments: [{trained[0]}, {trained[3]}]\n```\n")
    preview.locator('.plot[data-which="scatter"] [data-count="2"]').wait_for()

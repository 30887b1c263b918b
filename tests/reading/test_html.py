"""What notebooks show of answers: complete where it is short, bounded where it is long, and text stays text."""

from __future__ import annotations

import re
import shutil

import pytest

from anew import Experiment, Store
from anew.reading import html

HOSTILE = "<img src=x onerror=alert(1)>"
QUIET = {"quiet": True, "console": "off", "system_metrics": 0}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("html") / "experiments"
    for lr in (0.1, 0.01):
        with Experiment(
            f"a/b/lr-{lr}", root=root, params={"lr": lr, "batch": 64}, config={"depth": 3}, **QUIET
        ) as exp:
            exp.log_metrics({"val/acc": lr, "loss": 1.0}, step=1)
    with Experiment(
        "a/b/odd", root=root, params={HOSTILE: HOSTILE}, tags={"x": HOSTILE}, **QUIET
    ) as exp:
        exp.log_metrics({HOSTILE: 1.0}, step=1)
    with Store(root) as opened:
        yield opened


def cells(text: str) -> list[str]:
    return [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", text)]


def test_a_list_shows_what_differs_and_the_results(store):
    found = store.list("name =~ 'lr'", sort="name")
    shown = cells(found._repr_html_())
    assert shown[:3] == ["experiment", "status", "lr"]
    assert {"val/acc", "loss"} <= set(shown)
    assert "batch" not in shown
    assert {"lr-0.1", "lr-0.01"} <= set(shown)


def test_an_empty_list_is_shown_too(store):
    assert "No experiments" in store.list("name == 'nobody'")._repr_html_()


def test_a_long_list_says_how_much_it_shows(store, monkeypatch):
    monkeypatch.setattr(html, "MOST_ROWS", 1)
    shown = store.list()._repr_html_()
    assert shown.count("<tr") == 2
    assert "1 of 3" in shown


def test_an_experiment_shows_its_metrics_settings_and_id(store):
    view = store["a/b/lr-0.1"]
    shown = view._repr_html_()
    assert view.id in shown
    assert {"val/acc", "lr", "depth", "0.1", "3"} <= set(cells(shown))


def test_a_comparison_marks_the_best(store):
    shown = store.compare(["a/b/lr-0.1", "a/b/lr-0.01"])._repr_html_()
    assert "<b>0.1</b>" in shown
    assert {"lr-0.1", "lr-0.01", "max val/acc"} <= set(cells(shown))


def test_text_from_records_stays_text(store):
    shown = [store.list(), store["a/b/odd"], store.compare(["a/b/odd", "a/b/lr-0.1"])]
    for one in shown:
        text = one._repr_html_()
        assert "<img" not in text
        assert "&lt;img" in text


def test_a_store_shows_where_it_is_and_its_newest_experiments(store, tmp_path):
    text = store._repr_html_()
    assert f"<b>{store.root}</b> 3 experiments" in text
    assert {"odd", "lr-0.1", "lr-0.01"} <= set(cells(text))
    assert "<img" not in text
    assert "No experiments." in Store(tmp_path)._repr_html_()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
def test_a_long_name_leaves_the_other_columns_in_sight(tmp_path):
    from playwright.sync_api import sync_playwright

    with Experiment(f"a/b/{'n' * 150}", root=tmp_path, params={"text": "x" * 300}, **QUIET) as exp:
        exp.log_metrics({"m" * 150: 1.0}, step=1)
    with Store(tmp_path) as opened, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])  # fmt: skip
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        for shown in (opened, opened.list(), opened[exp.id], opened.compare([exp.id, exp.id])):
            page.set_content(f"<body style='font:13px sans-serif'>{shown._repr_html_()}")
            widest = "Math.max(...[...document.querySelectorAll('td, th')].map(one => one.getBoundingClientRect().width))"
            assert page.evaluate(widest) < 500  # points of the screen
        browser.close()

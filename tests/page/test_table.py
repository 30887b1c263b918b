"""The table of experiments: what people do with it, in a browser."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from anew import Experiment, Store
from anew.query.documents import DocumentsQuestion
from benchmarks.synthetic import write_experiment

from .conftest import address
from .roots import RATES, SEEDS, STEPS, WIDTHS, loss, record
from .test_charts import panel, saved

TABLE = "?tab=table"


def names(page) -> list[str]:
    page.locator("[role=row] a.name").first.wait_for()
    return page.locator("[role=row] a.name").all_inner_texts()


def column(page, title: str) -> list[str]:
    """The texts of a column that is shown, by the title of its head."""
    heads = page.locator("[role=columnheader]").all_inner_texts()
    at = next(n for n, one in enumerate(heads) if one.replace("⌄", "").replace("↓", "").replace("↑", "").split() == title.split())  # fmt: skip
    rows = page.locator("[role=row]:not(.head)")
    return [rows.nth(n).locator("[role=gridcell]").nth(at).inner_text().strip() for n in range(rows.count())]  # fmt: skip


def wait_for(page, count: int) -> None:
    shown = rf"{count // 1000}\W?{count % 1000:03}" if count > 999 else str(count)
    page.locator("#filter-says", has_text=re.compile(rf"^\s*{shown} experiments?\s*$")).wait_for()


def query(page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address(page)).query)


def test_the_first_view_shows_what_differs_and_the_best_value_with_its_step(grid, opened):
    page = opened(grid, TABLE)
    wait_for(page, 18)
    page.get_by_role("columnheader", name="lr").first.wait_for()
    heads = [one.replace("⌄", "").split() for one in page.locator("[role=columnheader]").all_inner_texts()]  # fmt: skip
    assert ["lr"] in heads
    assert ["opt"] not in heads  # the same in all, and said above
    page.get_by_text("opt adam").wait_for()
    best = {}
    for rate in RATES:
        for width in WIDTHS:
            for seed in SEEDS:
                values = np.array([1 - loss(rate, width, seed, step) / 2 for step in range(STEPS)])
                best[f"lr{rate}-w{width}-s{seed}"] = (values.max(), int(values.argmax()))
    for name, value, step in zip(names(page), column(page, "val/acc max"), column(page, "val/acc at max"), strict=True):  # fmt: skip
        assert float(value) == pytest.approx(best[name][0], rel=1e-3)
        assert int(step) == best[name][1]
    page.get_by_role("link", name="Charts").click()
    page.get_by_title(
        re.compile("^failed: .*the loss is not finite")
    ).first.wait_for()  # why it failed


def test_a_filter_is_completed_counted_while_it_is_typed_and_kept_in_the_link(grid, opened):
    page = opened(grid, TABLE)
    wait_for(page, 18)
    page.keyboard.press("/")
    page.keyboard.type("stat")
    page.get_by_role("option", name="status").first.click()
    page.keyboard.type("== 'fa")
    page.get_by_role("option", name="failed").click()
    wait_for(page, 2)
    page.keyboard.type("and params.width == 8")
    wait_for(page, 2)
    page.keyboard.press("Enter")
    assert query(page)["q"] == ["status == 'failed' and params.width == 8"]
    page.get_by_role("button", name="Remove params.width == 8").click()  # as a chip
    assert query(page)["q"] == ["status == 'failed'"]
    page.get_by_role("button", name="Remove status == 'failed'").click()
    wait_for(page, 18)
    page.go_back()
    wait_for(page, 2)


def test_a_wrong_filter_is_shown_under_its_column_and_the_table_stays(grid, opened):
    page = opened(grid, TABLE)
    wait_for(page, 18)
    page.get_by_label("Filter").fill("status == 'failed' and metrics.val/los < 1")
    mistake = page.locator(".mistake")
    mistake.wait_for()
    assert "metrics.val/loss" in mistake.inner_text()
    assert mistake.locator("pre").inner_text().index("▲") == len("status == 'failed' and ")
    assert len(names(page)) == 18
    page.get_by_label("Filter").fill("status == 'failed'")
    wait_for(page, 2)
    assert mistake.count() == 0


def test_columns_are_sorted_by_a_click_and_undone_by_a_key(grid, opened):
    page = opened(grid, TABLE)
    wait_for(page, 18)
    head = page.get_by_role("columnheader", name="val/acc max")
    head.locator("button.sort").click()
    page.locator("[aria-sort=descending]", has_text="max").wait_for()
    expect(page.locator("a.name").first).to_have_text(re.compile("^lr0.3"))
    values = [float(one) for one in column(page, "val/acc max")]
    assert values == sorted(values, reverse=True)
    page.keyboard.press("u")
    expect(page.locator("a.name").first).to_have_text("lr0.003-w128-s1")
    page.keyboard.press("U")
    expect(page.locator("a.name").first).to_have_text(re.compile("^lr0.3"))


def test_columns_are_chosen_ordered_pinned_hidden_and_sized(grid, opened):
    page = opened(grid, TABLE)
    wait_for(page, 18)
    page.get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Find a column").fill("loss")
    dialog.get_by_label("Add a value of metrics.train/loss").select_option("min")
    dialog.get_by_role("button", name="Hide params.seed").click()
    dialog.get_by_role("button", name="Move params.width up").click()
    dialog.get_by_label("Pinned").select_option("2")
    page.keyboard.press("Escape")
    chosen = query(page)["columns"][0].split(",")
    assert chosen[-1] == "metrics.train/loss.min"
    assert "params.seed" not in chosen
    assert chosen.index("params.width") < chosen.index("params.lr")
    assert page.locator(".head .pinned").count() == 2
    head = page.get_by_role("columnheader", name="status")
    box = head.bounding_box()
    page.mouse.move(box["x"] + box["width"], box["y"] + 14)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 60, box["y"] + 14)
    page.mouse.up()
    assert head.bounding_box()["width"] == pytest.approx(box["width"] + 60, abs=4)
    page.reload()
    wait_for(page, 18)
    assert page.locator(".head .pinned").count() == 2
    page.get_by_role("columnheader", name="train/loss").wait_for()


def test_every_statistic_of_a_metric_is_a_column_with_the_number_of_numpy(grid, opened):
    statistics = {
        "last": lambda one: one[-1], "first": lambda one: one[0], "min": np.min, "max": np.max, "mean": np.mean,
        "std": lambda one: np.std(one, ddof=1), "count": len, "step": lambda one: STEPS - 1, "min_step": np.argmin,
        "max_step": np.argmax, "nonfinite": lambda one: 0,
    }  # fmt: skip
    fields = [f"metrics.val/loss.{one}" for one in statistics]
    page = opened(grid, f"{TABLE}&sort=name&columns=name,{','.join(fields)}", width=2400)
    wait_for(page, 18)
    rows = page.locator("[role=row]:not(.head)")
    rows.nth(17).wait_for()
    for row in (0, 17):
        name, *cells = [one.strip() for one in rows.nth(row).locator("[role=gridcell]").all_inner_texts()][-1 - len(fields) :]  # fmt: skip
        rate, width, seed = re.fullmatch(r"lr([\d.]+)-w(\d+)-s(\d+)", name).groups()
        points = np.array([loss(float(rate), int(width), int(seed), n) + 0.1 for n in range(STEPS)])
        for cell, (statistic, numpys) in zip(cells, statistics.items(), strict=True):
            shown = float(cell.replace("\N{MINUS SIGN}", "-"))
            assert shown == pytest.approx(numpys(points), rel=2e-3), statistic


def test_the_values_of_a_field_have_colours_in_the_table_and_in_the_charts(grid, opened):
    page = opened(grid, f"{TABLE}&columns=name,params.lr")
    wait_for(page, 18)
    page.get_by_label("Column params.lr", exact=True).click()
    page.get_by_role("menuitemradio", name="Colour by this").click()
    rows = page.locator("[role=row]:not(.head)")
    rows.nth(17).wait_for()
    page.wait_for_function(
        "new Set([...document.querySelectorAll('.row .dot')].map((one) => one.style.color)).size === 3"
    )
    colours = rows.locator(".dot").evaluate_all("all => all.map((one) => one.style.color)")
    of = dict(zip(column(page, "lr"), colours, strict=True))
    assert len(set(of.values())) == 3
    assert [of[rate] for rate in column(page, "lr")] == colours
    page.get_by_role("link", name="Charts").click()
    legend = page.get_by_label("Colours", exact=True).get_by_role("listitem")
    expect(legend).to_have_count(3)
    told = {one.inner_text().strip(): one.locator(".dot").evaluate("one => one.style.color") for one in legend.all()}  # fmt: skip
    assert told == of


def test_only_what_differs_is_left_of_the_columns_and_small_curves_have_the_colours_of_all(grid, opened):  # fmt: skip
    page = opened(grid, TABLE + "&columns=name,params.opt,params.lr,~metrics.val/loss")
    wait_for(page, 18)
    expect(page.locator("[role=gridcell] svg path[style]")).to_have_count(18)
    page.get_by_title("Which are shown").click()
    page.get_by_role("menuitemradio", name="Only columns that differ").click()
    page.get_by_role("columnheader", name="width").wait_for()
    assert page.get_by_role("columnheader", name="opt").count() == 0
    name = names(page)[0]
    row = page.locator("[role=row]", has=page.get_by_role("link", name=name, exact=True))
    colour = row.locator(".dot").evaluate("one => one.style.color")
    assert f"color: {colour}" in page.locator(".row:has(.dot)").first.inner_html()
    assert colour in row.locator("svg path[style]").get_attribute("style")
    page.get_by_role("link", name="Charts").click()
    page.get_by_role("button", name=f"Select {name}").and_(page.locator(f'[style*="{colour}"]')).wait_for()  # fmt: skip


def test_groups_have_the_mean_and_deviation_of_every_member(grid, opened):
    page = opened(grid, TABLE + "&group=params.lr")
    row = page.locator("tbody tr").filter(has=page.get_by_text("0.03", exact=True))
    row.wait_for()
    page.locator(
        "th", has_text="val/acc max"
    ).wait_for()  # until it is told what there is, only the duration
    best = [max(1 - loss(0.03, width, seed, step) / 2 for step in range(STEPS)) for width in WIDTHS for seed in SEEDS]  # fmt: skip
    cell = row.locator("td").nth(2)
    expect(cell).to_have_attribute(
        "title", re.compile(f"^{np.mean(best):.6f}"[:8])
    )  # the rows come after the heads
    assert row.locator("td").nth(1).inner_text() == "6"
    mean, std = (float(one) for one in cell.get_attribute("title").split(" ± "))
    assert mean == pytest.approx(np.mean(best))
    assert std == pytest.approx(np.std(best, ddof=1))
    row.get_by_role("link").click()
    wait_for(page, 6)
    assert query(page)["q"] == ["params.lr == 0.03"]


def test_experiments_are_selected_hidden_and_compared_by_keys(grid, opened):
    page = opened(grid, TABLE)
    wait_for(page, 18)
    for key in ("j", "x", "j", "x", " "):
        page.keyboard.press(key)
    page.get_by_text("2 selected").wait_for()
    eyes = page.locator(".eye").nth(1)
    assert eyes.get_attribute("aria-pressed") == "false"
    assert len(query(page)["selected"][0].split(",")) == 2
    page.keyboard.press("c")
    page.wait_for_url("**/diff?**")
    assert len(query(page)["ids"][0].split(",")) == 2
    page.go_back()
    page.get_by_text("2 selected").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("2 selected").wait_for(state="detached")


@pytest.mark.slow
def test_the_palette_finds_experiments_and_the_list_of_keys_is_whole(grid, opened):
    page = opened(grid, TABLE)
    wait_for(page, 18)
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("Next experiment").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Find anything").wait_for()
    page.keyboard.type("w128-s1")
    page.get_by_role("option", name="lr0.3-w128-s1").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/x/*")


def test_names_tags_and_notes_are_edited_and_an_edit_is_undone(lab, project, opened):
    id_ = record(lab.root, 0.1, 8, 0, prefix=project)
    page = opened(lab, f"{TABLE}&in={project}")
    wait_for(page, 1)
    page.keyboard.press("j")
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("the good one")
    dialog.get_by_label("Tags").fill("team=ml")
    dialog.get_by_label("Notes").fill("**kept**")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="the good one").wait_for()
    page.get_by_text("tagged anew").wait_for()
    with Store(str(lab.root)) as store:
        view = store.get(id_)
        assert (view.name, view.notes, dict(view.tags)) == ("the good one", "**kept**", {"team": "ml"})  # fmt: skip
    page.locator(".notice", has_text="The name of").get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="lr0.1-w8-s0").wait_for()
    with Store(str(lab.root)) as store:  # what somebody says of a metric outweighs its name
        store.set_goal("val/acc", "min", main=True, project=project)
    page.reload()
    page.get_by_role("columnheader", name="val/acc min").first.wait_for()


def test_texts_and_tags_of_several_are_edited_at_once_and_an_edit_is_undone(lab, project, opened):
    ids = [record(lab.root, 0.1, 8, seed, prefix=project) for seed in range(3)]
    with Store(str(lab.root)) as store:
        store.note(ids[0], "before")
    page = opened(lab, f"{TABLE}&in={project}&selected={','.join(ids[:2])}&q=seed+%3E+0")
    wait_for(page, 2)
    # One of the selected is not on the list, which the filter has left it out of.
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Edit 2 experiments")
    dialog.get_by_label("Tags to add").fill("team=ml")
    dialog.get_by_label("Tags to remove").fill("baseline")
    dialog.get_by_label("Description").fill("one of two")
    dialog.get_by_label("Notes", exact=True).fill("**more**")
    dialog.get_by_role("button", name="Save").click()
    page.locator(".notice", has_text="The notes of 2").wait_for()

    def told(one: str) -> tuple[str | None, str | None, dict[str, str | None]]:
        with Store(str(lab.root)) as store:
            view = store.get(one)
            return view.description, view.notes, dict(view.tags)

    assert told(ids[0]) == ("one of two", "before\n\n**more**", {"sweep": "one", "team": "ml"})
    assert told(ids[1]) == ("one of two", "**more**", {"sweep": "one", "team": "ml"})
    assert told(ids[2]) == (None, None, {"sweep": "one"})
    with page.expect_response("**/ask/append"):
        page.locator(".notice", has_text="The notes of 2").get_by_role(
            "button", name="Undo"
        ).click()
    assert [told(one)[1] for one in ids] == ["before", None, None]


def test_numbers_of_a_column_stand_with_their_points_below_each_other(lab, project, opened):
    for name, value in (("a", 0.9815), ("b", 0.8), ("c", 12.0)):
        with Experiment(
            f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0
        ) as exp:
            exp.log_metrics({"val/acc": value}, step=0)
    where = """texts => texts.map(text => {
        const span = [...document.querySelectorAll("[role=grid] .number span, aside .value span")].find(one => one.textContent === text);
        const range = document.createRange();
        range.setStart(span.firstChild, 0);
        range.setEnd(span.firstChild, (text + ".").indexOf("."));
        return range.getBoundingClientRect().right;
    })"""
    for tab in ("table", "charts"):
        page = opened(lab, f"?tab={tab}&in={project}")
        page.get_by_text("0.9815", exact=True).first.wait_for()
        page.get_by_text("12", exact=True).first.wait_for()
        ends = page.evaluate(where, ["0.9815", "0.8", "12"])
        assert max(ends) - min(ends) < 1, (tab, ends)


@pytest.mark.slow
def test_experiments_are_archived_and_deleted_in_bulk_with_their_bytes_and_come_back(show, tmp_path, opened):  # fmt: skip
    for seed in range(3):
        record(tmp_path, 0.1, 8, seed)
    page = opened(show(), TABLE)
    wait_for(page, 3)
    page.get_by_label("Select lr0.1-w8-s2").click()
    page.get_by_label("Select lr0.1-w8-s1").click()
    page.get_by_role("button", name="More to do").click()
    page.get_by_role("menuitem", name="Archive").click()
    wait_for(page, 1)
    page.get_by_role("button", name="2 left out").wait_for()
    page.get_by_role("button", name="Undo").click()
    wait_for(page, 3)
    page.get_by_role("button", name="More to do").click()
    page.get_by_role("menuitem", name="Put in the trash").click()
    page.get_by_role("dialog").get_by_text(re.compile(r"They take [\d.]+ kB")).wait_for()
    page.get_by_role("button", name="Put in the trash", exact=True).click()
    wait_for(page, 1)
    page.get_by_role("button", name="show").click()
    page.get_by_role("menuitem", name="Trash").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile(r"2 experiments, [\d.]+ kB")).wait_for()
    dialog.get_by_role("button", name="Restore", exact=True).first.click()
    dialog.get_by_text(re.compile(r"1 experiment, [\d.]+ kB")).wait_for()
    dialog.get_by_role("button", name="Restore all").click()
    page.keyboard.press("Escape")
    wait_for(page, 3)


def test_a_store_that_may_only_be_read_says_so_and_offers_no_edit(show, opened, tmp_path):
    record(tmp_path, 0.1, 8, 0)
    page = opened(show(tmp_path, "--read-only"), TABLE)
    wait_for(page, 1)
    page.get_by_text("read only").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("e")
    assert page.get_by_role("dialog").count() == 0


def test_a_running_training_moves_by_itself_and_only_its_row_is_fetched(lab, project, opened):
    for seed in range(3):
        record(lab.root, 0.1, 8, seed, prefix=project)
    with Experiment(f"{project}/live", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"val/acc": 0.1}, step=0)
        page = opened(lab, f"{TABLE}&in={project}")
        wait_for(page, 4)
        page.locator(".status.running").wait_for()
        page.wait_for_load_state("networkidle")
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url))
        exp.log_metrics({"val/acc": 0.8642}, step=1)
        page.get_by_text("0.8642").wait_for()
        lists = [one for one in asked if "/experiments?" in one]
        assert lists
        assert all("ids=" in one for one in lists)
    page.locator(".status.running").wait_for(state="detached")


def test_hostile_names_and_tags_are_shown_as_what_they_are(lab, project, opened):
    text = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    with Experiment(f"{project}/c", root=str(lab.root), quiet=True, system_metrics=0, params={text: text}, tags={text: text}) as exp:  # fmt: skip
        exp.log_metrics({text: 1.0}, step=0)
    with Experiment(
        f"{project}/d", root=str(lab.root), quiet=True, system_metrics=0, params={text: "x"}
    ):
        pass
    page = opened(lab, f"{TABLE}&in={project}")
    wait_for(page, 2)
    assert page.locator("img, script:not([src])").count() == 0
    assert text in page.locator(".grid").inner_text()


@pytest.mark.slow
def test_many_rows_and_columns_keep_the_document_small(show, opened, tmp_path):
    for number in range(120):
        with Experiment(f"many/e{number:03}", root=str(tmp_path), quiet=True, system_metrics=0, params={f"p{n:03}": n * number for n in range(150)}):  # fmt: skip
            pass
    page = opened(show(), TABLE + "&columns=" + ",".join(["name", *(f"params.p{n:03}" for n in range(150))]))  # fmt: skip
    wait_for(page, 120)
    page.locator("a.name").first.wait_for()
    assert page.evaluate("document.querySelectorAll('*').length") < 4000
    scroller = page.get_by_role("region", name="Table of experiments")
    scroller.evaluate("one => one.scrollTo(1e6, 1e6)")
    page.get_by_role("columnheader", name="p149").wait_for()
    page.get_by_role("link", name="e000").wait_for()  # pinned, and the last row
    assert page.evaluate("document.querySelectorAll('*').length") < 4000


@pytest.mark.slow
def test_thousands_are_filtered_sorted_scrolled_and_grouped_and_their_number_is_right(
    show, opened, tmp_path
):
    for number in range(2100):
        params = {"lr": number / 1000, "opt": ("sgd", "adam")[number % 2], "same": 1}
        write_experiment(tmp_path, f"lab/x/e{number:04}", params=params, opened_at=1.79e9 + number)
    page = opened(show(), f"{TABLE}&columns=name,params.lr,params.opt")
    wait_for(page, 2100)
    scroller = page.get_by_role("region", name="Table of experiments")
    scroller.evaluate("one => one.scrollTo(0, 1e6)")
    page.get_by_role("link", name="e0000").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("params.lr < 0.3 and opt == 'sgd'")
    wait_for(page, 150)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="e0000").wait_for()  # still at the end
    scroller.evaluate("one => one.scrollTo(0, 0)")
    page.get_by_role("link", name="e0298").wait_for()
    page.locator(".head button.sort[title='params.lr']").click()
    expect(page.locator("a.name").first).to_have_text("e0298")
    page.locator(".head button.sort[title='params.lr']").click()
    expect(page.locator("a.name").first).to_have_text("e0000")
    page.get_by_role("button", name="Remove opt == 'sgd'").click()
    wait_for(page, 300)
    page.get_by_role("button", name="Remove params.lr < 0.3").click()
    wait_for(page, 2100)
    page.goto(address(page) + "&group=params.opt")
    page.get_by_text("2 groups of 2").wait_for()
    counts = page.locator("tbody td:nth-child(2)")
    assert [re.sub(r"\D", "", one) for one in counts.all_inner_texts()] == ["1050", "1050"]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "&group=params.lr", "&q=status+%3D%3D+%27failed%27"])
def test_axe_finds_nothing(grid, opened, axe, theme, path):
    page = opened(grid, TABLE + path, theme=theme)
    page.locator("#filter-says").get_by_text("experiment").wait_for()
    page.wait_for_timeout(200)
    assert axe(page) == []


def test_a_narrow_screen_has_the_list_with_its_curves(grid, opened, axe):
    page = opened(grid, TABLE, width=390, height=844)
    wait_for(page, 18)
    page.locator("aside svg path").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tabs = page.get_by_role("navigation", name="Views").get_by_role("link")
    assert [tab.inner_text() for tab in tabs.all()][-1] == "Reports"
    assert all(tab.bounding_box()["x"] + tab.bounding_box()["width"] <= 390 for tab in tabs.all())
    assert axe(page) == []


def test_a_running_experiment_is_told_to_stop_by_a_session_that_may_write(lab, project, opened):
    import subprocess
    import sys

    program = (
        "import time, anew\n"
        f"with anew.Experiment('{project}/live', root={str(lab.root)!r}, quiet=True, system_metrics=0) as exp:\n"
        "    for step in range(10_000):\n"
        "        exp.log_metrics({'loss': 1.0}, step=step); time.sleep(0.05)\n"
    )
    training = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    try:
        page = opened(lab, f"{TABLE}&in={project}")
        page.locator(".status.running").wait_for()
        page.get_by_label("Select live").click()
        page.get_by_role("button", name="More to do").click()
        page.get_by_role("menuitem", name="Stop").click()
        page.get_by_text("told to stop").wait_for()
        assert training.wait(300) != 0
        page.locator(".status.running").wait_for(state="detached")
    finally:
        training.kill()
        training.wait()


def test_an_experiment_has_its_colour_everywhere_and_after_the_page_was_opened_again(
    lab, project, opened
):
    """Seen alone first, then among others, in the table, and in a window that is opened anew."""
    ids = []
    for number in range(9):
        exp = Experiment(f"{project}/r{number}", root=str(lab.root), quiet=True, system_metrics=0)
        with exp:
            exp.log_metrics({"loss": float(number)}, step=0)
        ids.append(exp.id)
    page = opened(lab, f"?in={project}&q=name+%3D%3D+'r7'&tab=table", alone=True)
    dot = page.get_by_role("button", name="Another colour for r7")
    dot.wait_for()
    alone = dot.evaluate("one => one.style.color")
    page.goto(f"{lab.url}?in={project}&tab=table")
    page.get_by_role("button", name="Another colour for r0").wait_for()
    colours = {
        number: page.get_by_role("button", name=f"Another colour for r{number}").evaluate(
            "one => one.style.color"
        )
        for number in range(9)
    }
    assert colours[7] == alone
    assert len(set(colours.values())) == 9
    page.goto(f"{lab.url}?in={project}&tab=table&sort=-name&q=name+>=+'r7'")
    page.get_by_role("button", name="Another colour for r8").wait_for()
    assert page.get_by_role("button", name="Another colour for r0").count() == 0
    for number in (7, 8):
        dot = page.get_by_role("button", name=f"Another colour for r{number}")
        assert dot.evaluate("one => one.style.color") == colours[number]


def looks(page, action: str) -> dict[str, tuple[str, str]]:
    """The colour and the dashes of what is on the screen, by name; `action` begins the label of its mark."""
    marks = page.locator(f'button[aria-label^="{action} "]')
    marks.first.wait_for()
    found = marks.evaluate_all(
        """all => all.map(one => [one.ariaLabel, one.style.color, one.querySelector('svg path')?.getAttribute('stroke-dasharray') ?? ''])"""
    )
    return {label.removeprefix(f"{action} "): (colour, dash) for label, colour, dash in found}


def test_a_colour_that_somebody_chose_is_everybodys_and_others_make_room(
    lab, project, opened
):  # fmt: skip
    ids = [record(lab.root, 0.1, 8, seed, prefix=project) for seed in range(3)]
    names = [f"lr0.1-w8-s{seed}" for seed in range(3)]
    page = opened(lab, f"?in={project}&tab=table", alone=True)
    before = looks(page, "Another colour for")
    page.get_by_role("button", name=f"Another colour for {names[0]}").click()
    choices = page.get_by_role("dialog").get_by_role("button", name=re.compile("^Colour .*in use$"))
    expect(choices).to_have_count(2)
    # What another has, which is moved out of the way.
    other = names[1]
    taken = page.get_by_role("dialog").get_by_role("button", name=re.compile("^Colour"))
    colours = taken.evaluate_all("all => all.map(one => one.style.color)")
    taken.nth(colours.index(before[other][0])).click()
    page.get_by_text(f"The colour of {names[0]} is kept for everybody.").wait_for()
    expect(page.get_by_role("button", name=f"Another colour for {names[0]}")).to_have_css(
        "color", before[other][0]
    )
    expect(page.get_by_role("button", name=f"Another colour for {other}")).not_to_have_css(
        "color", before[other][0]
    )
    after = looks(page, "Another colour for")
    assert after[names[0]] == before[other]
    assert len(set(after.values())) == 3
    assert "colours=" not in address(page)
    elsewhere = opened(lab, f"?in={project}", alone=True)
    expect(elsewhere.get_by_role("button", name=f"Select {names[0]}")).to_have_css(
        "color", before[other][0]
    )
    assert len(set(looks(elsewhere, "Select").values())) == 3
    with Store(str(lab.root)) as store:
        kept = {one.name: one for one in store.backend.documents(DocumentsQuestion(kind="colour")).documents}  # fmt: skip
    assert set(kept[ids[0]].body) == {"slot"}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name=f"Another colour for {names[0]}")).not_to_have_css(
        "color", before[other][0]
    )


def test_no_two_that_are_shown_together_look_alike_however_many_there_are(lab, project, opened):
    for number in range(48):
        exp = Experiment(f"{project}/r{number}", root=str(lab.root), quiet=True, system_metrics=0)
        with exp:
            exp.log_metrics({"loss": float(number)}, step=0)
            exp.log_metrics({"loss": float(number + 1)}, step=1)
    page = opened(lab, f"?in={project}", height=1600)
    page.get_by_text("where a colour comes again, the line is dashed").wait_for()
    found = looks(page, "Select")
    assert len(found) == 48
    assert len(set(found.values())) == 48
    assert len({dash for _, dash in found.values()}) > 1
    # In the chart as in the list.
    drawn = saved(page, panel(page, "loss"), "SVG")
    dashes = {dash for _, dash in found.values() if dash}
    assert dashes <= set(re.findall(r'stroke-dasharray="([^"]*)"', drawn))

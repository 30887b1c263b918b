"""The charts of the page: what they draw is what was recorded, down to the last point."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from anew import Experiment, Store
from anew.query.density import Crossings
from anew.query.grid import Grid
from benchmarks.synthetic import write_experiment

from .conftest import address
from .roots import RATES, SEEDS, STEPS, WIDTHS, loss, record


def panel(page, metric: str = "train/loss"):
    found = page.locator(f'section[aria-label="{metric}"][data-exact]')
    found.wait_for()
    return found


def saved(page, one, kind: str) -> str:
    """What the panel's button saves."""
    one.hover()
    one.get_by_role("button", name="Save this chart").click()
    with page.expect_download() as download:
        one.get_by_role("button", name=kind, exact=True).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def drag(page, one, start: float, stop: float) -> None:
    """Drag over a part of the plot, in shares of its width."""
    box = one.locator(".plot").bounding_box()
    at = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], at)
    page.mouse.down()
    page.mouse.move(box["x"] + stop * box["width"], at, steps=3)
    page.mouse.up()


def written(lab, prefix: str, values: list[float], metric: str = "m") -> str:
    with Experiment(prefix, root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step, value in enumerate(values):
            exp.log_metrics({metric: value}, step=step)
    return exp.id


def highest_drawn(one) -> float:
    """How far down the panel the highest pixel of a curve is, from 0 at the top to 1."""
    return one.locator("canvas").first.evaluate(
        """canvas => {
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            for (let y = 0; y < height; y += 1)
                for (let x = Math.round(width * 0.2); x < width; x += 1) {
                    const [red, green, blue, alpha] = data.subarray(4 * (y * width + x));
                    if (Math.min(red, green, blue) < 140 && alpha > 60) return y / height;
                }
            return 1;
        }"""
    )


def test_all_points_of_all_experiments_are_drawn_and_exported(grid, opened):
    page = opened(grid, "?tab=charts")
    one = panel(page)
    assert one.locator(".said").inner_text().split("·") == ["18 of 18", "720 points", "exact"]
    found = rows(saved(page, one, "CSV"))
    assert len(found) == len(RATES) * len(WIDTHS) * len(SEEDS) * STEPS
    mine = [float(row["value"]) for row in found if row["name"] == "lr0.03-w32-s1"]
    np.testing.assert_allclose(mine, [loss(0.03, 32, 1, step) for step in range(STEPS)], atol=1e-6)
    text = saved(page, one, "SVG")
    assert text.count("<path d=") > 18
    assert "<script" not in text


def test_a_group_is_the_mean_of_its_members_at_each_step(grid, opened):
    page = opened(grid, "?tab=charts&group=params.lr&band=sd")
    one = panel(page)
    one.locator(".said", has_text="18 experiments in 3 groups").wait_for()
    found = [row for row in rows(saved(page, one, "CSV")) if row["group"] == "0.03"]
    each = np.array([[loss(0.03, w, s, step) for step in range(STEPS)] for w in WIDTHS for s in SEEDS])  # fmt: skip
    middle = np.array([float(row["middle"]) for row in found])
    np.testing.assert_allclose(middle, each.mean(axis=0), atol=1e-6)
    high = np.array([float(row["high"]) for row in found])
    np.testing.assert_allclose(high - middle, each.std(axis=0, ddof=1), atol=1e-6)
    assert {row["members"] for row in found} == {"6"}


def test_zooming_shows_a_part_and_a_double_click_all_of_it_again(grid, opened):
    page = opened(grid, "?tab=charts")
    one = panel(page)
    drag(page, one, 0.3, 0.6)
    page.wait_for_url("**range=**")
    steps = {int(row["step"]) for row in rows(saved(page, one, "CSV"))}
    assert steps == set(range(min(steps), max(steps) + 1))
    assert 5 < min(steps) < max(steps) < 30
    one.locator(".plot").dblclick(position={"x": 200, "y": 100})
    page.wait_for_url(lambda url: "range" not in url)


def test_the_pointer_finds_the_nearest_line_and_its_exact_value(grid, opened):
    page = opened(grid, "?tab=charts&q=name+%3D%3D+'lr0.03-w8-s0'")
    one = panel(page)
    box = one.locator(".plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    tip = page.locator(".tip")
    tip.get_by_text("lr0.03-w8-s0").wait_for()
    step = int(tip.locator("p").last.inner_text().removeprefix("step "))
    tip.get_by_text(str(loss(0.03, 8, 0, step)), exact=True).wait_for()


def test_what_an_axis_cannot_show_is_counted(lab, project, opened):
    written(lab, f"{project}/a", [1.0, math.nan, math.inf, -1.0, 0.0, 10.0])
    page = opened(lab, f"?in={project}&tab=charts&ylog=1")
    said = panel(page, "m").locator(".said").inner_text().split("·")
    assert said == ["1 of 1", "6 points", "exact", "1 NaN", "1 infinite", "log axis hides 2 ≤ 0"]


def test_a_spike_of_one_point_among_many_is_drawn_and_exact_when_zoomed(lab, project, opened):
    count, at = 30_000, 17_777
    written(lab, f"{project}/a", [100.0 if step == at else 0.5 for step in range(count)])
    page = opened(lab, f"?in={project}&tab=charts")
    one = panel(page, "m")
    assert one.get_attribute("data-exact") == "false"
    assert highest_drawn(one) < 0.2
    page.goto(f"{lab.url}?in={project}&tab=charts&range={at - 50}..{at + 50}")
    one = panel(page, "m")
    assert one.get_attribute("data-exact") == "true"
    found = rows(saved(page, one, "CSV"))
    assert [(int(row["step"]), float(row["value"])) for row in found] == [
        (step, 100.0 if step == at else 0.5) for step in range(at - 50, at + 51)
    ]


@pytest.mark.slow
def test_a_spike_of_one_point_among_ten_million_is_drawn_and_exact_when_zoomed(
    show, tmp_path, opened
):
    count, at, chunk = 10_000_000, 7_654_321, 500_000
    lines = (
        "".join(
            f'{{"s":{step},"t":1760000000.5,"m":{{"m":{100.0 if step == at else 0.5}}}}}\n'
            for step in range(first, first + chunk)
        ).encode()
        for first in range(0, count, chunk)
    )
    write_experiment(tmp_path, "lab/long/a", lines)
    with Store(tmp_path) as store:
        assert store.get("a").metrics["m"].count == count
    made = show()
    page = opened(made, "?tab=charts")
    one = panel(page, "m")
    assert one.get_attribute("data-exact") == "false"
    assert highest_drawn(one) < 0.2
    page.goto(f"{made.url}?tab=charts&range={at - 50}..{at + 50}")
    one = panel(page, "m")
    assert one.get_attribute("data-exact") == "true"
    found = rows(saved(page, one, "CSV"))
    assert [(int(row["step"]), float(row["value"])) for row in found] == [
        (step, 100.0 if step == at else 0.5) for step in range(at - 50, at + 51)
    ]


def test_a_running_training_moves_its_line(lab, project, opened):
    with Experiment(f"{project}/a", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step in range(3):
            exp.log_metrics({"m": float(step)}, step=step)
        page = opened(lab, f"?in={project}&tab=charts")
        one = panel(page, "m")
        one.get_by_text("3 points").wait_for()
        asked: list[int] = []
        page.on("response", lambda answer: asked.append(len(answer.body())) if "panel" in answer.url else None)  # fmt: skip
        exp.log_metrics({"m": 7.0}, step=3)
        exp.log_metrics({"m": 8.0}, step=4)
        one.get_by_text("5 points").wait_for()
        while not asked:  # the answer is told of after what it shows
            page.wait_for_timeout(20)
        assert max(asked) < 2000
        found = [float(row["value"]) for row in rows(saved(page, one, "CSV"))]
        assert found == [0, 1, 2, 7, 8]


def test_steps_beyond_what_numbers_of_browsers_hold_are_shown_exactly(lab, project, opened):
    first = 2**60 + 1
    with Experiment(f"{project}/a", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step in range(4):
            exp.log_metrics({"m": float(step)}, step=first + step)
    page = opened(lab, f"?in={project}&tab=charts")
    one = panel(page, "m")
    steps = [int(row["step"]) for row in rows(saved(page, one, "CSV"))]
    assert steps == [first + step for step in range(4)]


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_metrics_are_sections_of_which_few_are_made(show, tmp_path, opened, count):
    with Experiment("lab/x/a", root=str(tmp_path), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({f"layer{n % 40}/weight{n}": float(n) for n in range(count)}, step=0)
        exp.log_metrics({"val/loss": 0.5}, step=0)
    page = opened(show(), "?tab=charts")
    panel(page, "val/loss")
    assert page.evaluate("document.querySelectorAll('*').length") < 4000
    page.get_by_placeholder("metrics").fill("weight77 layer37")
    panel(page, "layer37/weight77")


def test_the_charts_fit_a_phone_and_both_themes(grid, opened):
    for theme in ("light", "dark"):
        page = opened(grid, "?tab=charts", width=390, height=800, theme=theme)
        one = panel(page, "val/acc")
        assert one.bounding_box()["width"] > 320
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_keys_change_all_charts_and_the_link_says_so(grid, opened):
    page = opened(grid, "?tab=charts")
    one = panel(page)
    page.keyboard.press("y")
    page.wait_for_url("**ylog=1**")
    page.keyboard.press("s")
    one.get_by_text("smoothed on all points").wait_for()
    one.locator(".plot").focus()  # all that the pointer does, keys do as well
    page.keyboard.press("ArrowRight")
    tip = one.locator(".tip p").last
    begins = int(tip.inner_text().removeprefix("step "))
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert int(tip.inner_text().removeprefix("step ")) == begins + 9
    name = one.locator(".tip").inner_text()
    page.keyboard.press("ArrowDown")
    assert one.locator(".tip").inner_text() != name
    page.keyboard.press("Enter")
    assert one.get_by_role("listitem").count() == 1
    page.keyboard.press("+")
    page.wait_for_url("**range=**")
    page.keyboard.press("-")
    page.wait_for_url(lambda url: "range" not in url)
    one.locator(".plot").hover()
    page.keyboard.press("f")
    page.get_by_role("button", name="Back to all panels").wait_for()
    assert page.locator(".panel").count() == 1


def test_a_field_makes_panels_and_a_legend_says_what_colours_mean(grid, opened):
    page = opened(grid, "?tab=charts&group=params.lr&facet=params.width&metrics=val/loss")
    for width in WIDTHS:
        one = panel(page, f"val/loss · width {width}")
        one.get_by_text("6 experiments in 3 groups").wait_for()
        one.get_by_text("240 points").wait_for()
    legend = page.get_by_role("list", name="Colours")
    assert legend.get_by_role("listitem").all_inner_texts() == ["lr 0.003", "lr 0.03", "lr 0.3"]


def test_groups_have_colours_dashes_and_panels_at_once_and_all_panels_one_crosshair(grid, opened):
    page = opened(grid, "?tab=charts&group=params.lr&dash=params.seed&facet=params.width&metrics=val/loss&robust=1")  # fmt: skip
    one = panel(page, "val/loss · width 32")
    one.get_by_text("6 experiments in 6 groups").wait_for()
    text = saved(page, one, "SVG")
    assert len(set(re.findall(r'stroke="(#[0-9a-f]{6})"[^>]*stroke-width="1', text))) >= len(RATES)
    assert "stroke-dasharray" in text
    dashes = page.get_by_role("list", name="Dashes").get_by_role("listitem")
    assert dashes.all_inner_texts() == ["seed 0", "seed 1"]
    box = one.locator(".plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    other = panel(page, "val/loss · width 128").locator("canvas.over")
    page.wait_for_function(
        "(one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((byte) => byte > 0)",
        arg=other.element_handle(),
    )


def test_a_pinned_point_says_how_far_it_is_from_the_baseline(grid, opened):
    page = opened(grid, "?tab=charts&q=lr+%3D%3D+0.03+and+seed+%3D%3D+0")
    one = panel(page)
    box = one.locator(".plot").bounding_box()
    at = box["x"] + box["width"] / 2
    for down in (0.2, 0.9):  # the line that is highest there, and the lowest
        page.mouse.click(at, box["y"] + down * box["height"])
    pins = one.get_by_role("listitem")
    assert pins.count() == 2
    pins.first.get_by_role("button", name="Compare all with this one").click()
    high, low = (float(each.locator("b").inner_text()) for each in pins.all())
    apart = pins.nth(1).locator("span.muted").nth(1).inner_text()
    assert math.isclose(float(apart.replace("−", "-")), low - high, abs_tol=2e-4)


@pytest.mark.slow
def test_of_more_experiments_than_can_be_told_apart_every_line_is_counted(show, opened, tmp_path):
    count, steps = 2050, 6
    rng = np.random.default_rng(5)
    values = rng.uniform(0.2, 0.8, (count, steps))
    values[1234, 3] = 5.0
    values[77, -1] = 0.01
    for number, row in enumerate(values):
        lines = [
            f'{{"t":1790000000,"m":{{"loss":{v!r}}},"s":{s}}}\n' for s, v in enumerate(row.tolist())
        ]
        write_experiment(tmp_path, f"lab/x/e{number}", iter(["".join(lines).encode()]))
    page = opened(show(), "?tab=charts")
    one = panel(page, "loss")
    one.get_by_text("the best 10 stand out").wait_for()
    said = one.locator(".said").inner_text().split("·")
    assert [part.replace("\u2009", "").replace("\u202f", "") for part in said[:3]] == [
        "2050 of 2050", f"{count * steps} points", "density of all lines",
    ]  # fmt: skip
    found = rows(saved(page, one, "CSV"))
    assert sum(float(row["value from"]) > 4 for row in found) > 0  # the one spike
    columns = len({row["step from"] for row in found})
    heights = sorted({float(row["value from"]) for row in found})
    rise = min(np.diff(heights))
    low, high = 0.01 - 0.04 * 4.99, 5.0 + 0.04 * 4.99
    crossings = Crossings(
        Grid(0.0, steps - 1.0, columns), round((high - low) / rise), low, high, "linear"
    )
    crossings.add(
        np.repeat(np.arange(count), steps), np.tile(np.arange(steps, dtype=float), count), values.ravel()
    )  # fmt: skip
    assert sum(int(row["experiments"]) for row in found) == crossings.counts().sum()


@pytest.mark.slow
def test_a_group_is_of_all_its_members_also_where_lines_are_of_the_first_ones(show, opened, tmp_path):  # fmt: skip
    count, steps = 10_050, 3
    values = np.random.default_rng(6).uniform(0.2, 0.8, (count, steps))
    values[0] += 1000  # written first, so last in the list: the first ten thousand do not have it
    for number, row in enumerate(values):
        lines = [
            f'{{"t":1790000000,"m":{{"loss":{v!r}}},"s":{s}}}\n' for s, v in enumerate(row.tolist())
        ]
        write_experiment(
            tmp_path, f"lab/x/e{number}", iter(["".join(lines).encode()]),
            params={"half": number % 2}, opened_at=1_790_000_000.0 + number,
        )  # fmt: skip
    page = opened(show(), "?tab=charts&group=params.half&band=minmax")
    one = panel(page, "loss")
    said = one.locator(".said").inner_text().replace("\u2009", "").replace("\u202f", "")
    assert said.split("·") == [
        f"{count} experiments in 2 groups",
        f"{count * steps} points",
        "exact",
    ]
    assert page.get_by_text("all experiments", exact=True).count() == 0
    found = rows(saved(page, one, "CSV"))
    for half in (0, 1):
        mine = [row for row in found if row["group"] == str(half)]
        members = values[half::2]
        assert {int(row["members"]) for row in mine} == {len(members)}
        for name, wanted in [("middle", members.mean(axis=0)), ("low", members.min(axis=0)), ("high", members.max(axis=0))]:  # fmt: skip
            got = np.array([float(row[name]) for row in mine])
            np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_curves_are_drawn_as_their_difference_to_a_baseline(grid, opened):
    page = opened(grid, "?tab=charts&q=lr+%3D%3D+0.03+and+seed+%3D%3D+0")
    one = panel(page)
    one.get_by_text("3 of 3").wait_for()
    page.get_by_label("baseline").select_option(label="lr0.03-w8-s0")
    page.get_by_label("difference").check()
    one.get_by_text("less lr0.03-w8-s0").wait_for()
    found = rows(saved(page, one, "CSV"))
    for width in WIDTHS:
        mine = [float(row["less lr0.03-w8-s0"]) for row in found if row["name"] == f"lr0.03-w{width}-s0"]  # fmt: skip
        apart = [loss(0.03, width, 0, step) - loss(0.03, 8, 0, step) for step in range(STEPS)]
        np.testing.assert_allclose(mine, apart, atol=1e-6)
    page.keyboard.press("Escape")
    page.locator("h2").first.click()
    page.locator("h2").first.click()
    page.keyboard.press("d")
    one.get_by_text("less lr0.03-w8-s0").wait_for(state="detached")
    assert "baseline=" in address(page)
    page.keyboard.press("u")
    one.get_by_text("less lr0.03-w8-s0").wait_for()


def test_groups_are_drawn_as_their_difference_to_one_of_them(grid, opened):
    page = opened(grid, "?tab=charts&group=params.lr&band=minmax")
    panel(page)
    page.locator("label", has_text="baseline").locator("select").select_option(label="lr 0.003")
    page.get_by_label("difference").check()
    one = panel(page)
    one.locator(".said", has_text="less lr 0.003").wait_for()

    def each(rate: float) -> np.ndarray:
        return np.array([[loss(rate, w, s, step) for step in range(STEPS)] for w in WIDTHS for s in SEEDS])  # fmt: skip

    found = [row for row in rows(saved(page, one, "CSV")) if row["group"] == "0.03"]
    base = each(0.003).mean(axis=0)
    middle = np.array([float(row["middle"]) for row in found])
    np.testing.assert_allclose(middle, each(0.03).mean(axis=0) - base, atol=1e-6)
    high = np.array([float(row["high"]) for row in found])
    np.testing.assert_allclose(high, each(0.03).max(axis=0) - base, atol=1e-6)
    # Panels by another field: the baseline is the group of all these values, drawn where it lies and subtracted everywhere.
    page.goto(
        f"{grid.url}?tab=charts&group=params.lr&facet=params.seed&metrics=val/loss&baseline=%5B0.03,1%5D&apart=1"
    )
    page.locator('section[aria-label="val/loss · seed 0"] .said', has_text="less lr 0.03 · seed 1").wait_for()  # fmt: skip


def test_a_group_that_is_pointed_at_shows_its_members_and_marks_them_in_the_list(grid, opened):
    page = opened(grid, "?tab=charts&group=params.lr")
    one = panel(page)
    one.locator(".said", has_text="3 groups").wait_for()
    box = one.locator(".plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    members = page.get_by_role("list", name="Members")
    members.get_by_text("lr0.003-w8-s0").wait_for()
    assert members.locator("li").count() == len(WIDTHS) * len(SEEDS)
    step = int(page.locator(".tip > p").last.inner_text().removeprefix("step "))
    told = float(members.locator("li", has_text="lr0.003-w8-s1").locator("b").inner_text())
    assert told == pytest.approx(loss(0.003, 8, 1, step), rel=1e-3)
    assert page.locator("aside li.pointed").count() == len(WIDTHS) * len(SEEDS)
    # The colour of a group is that of its members in the list, and of no other.
    marks = page.locator("aside li .shape")
    colours = {marks.nth(at).evaluate("one => one.style.color") for at in range(marks.count())}
    assert len(colours) == len(RATES)


def test_panels_by_a_field_are_those_of_the_filter(lab, project, opened):
    for seed in range(3):
        record(lab.root, 0.1, 8, seed, prefix=project)
    for seed in range(3, 6):
        record(lab.root, 0.1, 8, seed, prefix=f"{project}other")
    page = opened(lab, f"?in={project}&tab=charts&facet=params.seed&metrics=val/acc")
    page.locator('section[aria-label="val/acc · seed 2"][data-exact]').wait_for()
    assert page.locator("section.panel").count() == 3


def test_a_resumed_experiment_is_one_curve_or_its_attempts(lab, project, opened):
    written(lab, f"{project}/a", [1.0, 2.0, 3.0])
    with Experiment(f"{project}/a", root=str(lab.root), quiet=True, system_metrics=0, resume="allow") as exp:  # fmt: skip
        for step in (2, 3):
            exp.log_metrics({"m": 10.0 * step}, step=step)
    page = opened(lab, f"?in={project}&tab=charts")
    one = panel(page, "m")
    one.get_by_text("1 of 1").wait_for()
    found = rows(saved(page, one, "CSV"))
    assert [(int(row["step"]), float(row["value"])) for row in found] == [
        (0, 1.0), (1, 2.0), (2, 3.0), (2, 20.0), (3, 30.0),
    ]  # fmt: skip
    page.get_by_role("button", name="More").click()
    page.get_by_label("attempts apart").check()
    page.wait_for_url("**attempts=1**")
    one.locator("xpath=self::*[@data-curves='2']").wait_for()
    found = rows(saved(page, one, "CSV"))
    assert [(row["attempt"], int(row["step"])) for row in found] == [
        ("1", 0), ("1", 1), ("1", 2), ("2", 2), ("2", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("band", "ends"),
    [
        ("minmax", lambda each: (each.min(axis=0), each.max(axis=0))),
        ("quantiles", lambda each: np.quantile(each, (0.25, 0.75), axis=0)),
        ("se", lambda each: [each.mean(axis=0) + sign * each.std(axis=0, ddof=1) / 6**0.5 for sign in (-1, 1)]),
    ],
)  # fmt: skip
def test_bands_and_middles_of_groups_are_those_of_every_member(grid, opened, band, ends):
    centre = "median" if band == "quantiles" else "mean"
    page = opened(
        grid, f"?tab=charts&group=params.lr&band={band}&centre={centre}&metrics=train/loss"
    )
    one = panel(page)
    found = [row for row in rows(saved(page, one, "CSV")) if row["group"] == "0.03"]
    each = np.array([[loss(0.03, w, s, step) for step in range(STEPS)] for w in WIDTHS for s in SEEDS])  # fmt: skip
    low, high = ends(each)
    np.testing.assert_allclose([float(row["low"]) for row in found], low, atol=1e-6)
    np.testing.assert_allclose([float(row["high"]) for row in found], high, atol=1e-6)
    middle = np.median(each, axis=0) if centre == "median" else each.mean(axis=0)
    np.testing.assert_allclose([float(row["middle"]) for row in found], middle, atol=1e-6)


def test_a_chart_is_saved_as_a_picture_of_twice_the_pixels(grid, opened):
    page = opened(grid, "?tab=charts&metrics=train/loss")
    one = panel(page)
    one.hover()
    one.get_by_role("button", name="Save this chart").click()
    with page.expect_download() as download:
        one.get_by_role("button", name="PNG", exact=True).click()
    with PIL.Image.open(download.value.path()) as picture:
        box = one.locator("canvas").first.bounding_box()
        assert picture.size == (2 * box["width"], 2 * box["height"])
        assert np.asarray(picture.convert("L")).std() > 5


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "&group=params.lr&facet=params.width", "&q=seed+%3D%3D+0"])
def test_everybody_can_read_and_use_the_charts(grid, opened, axe, theme, path):
    page = opened(grid, f"?tab=charts{path}", theme=theme)
    page.locator("section.panel[data-exact]").first.wait_for()
    if "seed" in path:
        page.get_by_label("baseline").select_option(label="lr0.03-w8-s0")
        page.get_by_label("difference").check()
        page.get_by_text("less lr0.03-w8-s0").first.wait_for()
    page.get_by_role("button", name="More").click()
    page.get_by_label("dash by").wait_for()
    assert axe(page) == []


def test_a_metric_runs_along_x_and_points_without_it_are_counted(lab, project, opened):
    with Experiment(f"{project}/one", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step in range(10):
            exp.log_metrics({"loss": 1 / (step + 1)}, step=step)
            if step < 8:
                exp.log_metrics({"tokens": 1000.0 * step}, step=step)
    page = opened(lab, f"?in={project}&tab=charts&metrics=loss")
    panel(page, "loss")
    page.locator("label", has_text="time since start").locator("select").select_option("tokens")
    page.wait_for_url("**x=tokens**")
    one = panel(page, "loss")
    one.locator(".said", has_text="2 without tokens at their step").wait_for()
    found = rows(saved(page, one, "CSV"))
    placed = [(float(row["tokens"]), float(row["value"])) for row in found if row["tokens"]]
    np.testing.assert_allclose(placed, [(1000.0 * s, 1 / (s + 1)) for s in range(8)], atol=1e-6)
    page.go_back()
    page.wait_for_url(lambda url: "x=" not in url)
    one.locator(".said", has_text="10 points").wait_for()


def test_what_was_changed_of_charts_is_undone_and_done_again_step_by_step(grid, opened):
    page = opened(grid, "?tab=charts&metrics=train/loss")
    one = panel(page)
    page.keyboard.press("y")
    page.wait_for_url("**ylog=1**")
    drag(page, one, 0.3, 0.6)
    page.wait_for_url("**range=**")
    page.locator("label", has_text="min–max").locator("select").select_option("none")
    page.wait_for_url("**band=none**")
    changed = address(page)
    for gone in ("band=", "range=", "ylog="):
        page.keyboard.press("u")
        page.wait_for_url(lambda url, gone=gone: gone not in url)
    one.locator(".said", has_text="720 points").wait_for()
    for key in ("ylog=", "range=", "band="):
        page.keyboard.press("U")
        page.wait_for_url(lambda url, key=key: key in url)
    assert address(page) == changed

"""The page of a difference: what differs, and where the curves part."""

from __future__ import annotations

from anew import Experiment, Store

from .conftest import address
from .recorded import PARTS


def test_two_experiments_differ_in_one_line_of_words_and_in_only_what_differs(pages, opened):
    made, ids = pages
    page = opened(made, f"diff?ids={ids['first']},{ids['second']}")
    page.get_by_role("heading", name=f"Same until step {PARTS}").wait_for()
    assert "lr 0.1 → 0.3" in page.locator("h1").inner_text()
    settings = page.get_by_role("list", name="Configuration")
    assert "optimizer.lr" in settings.inner_text()
    assert "depth" not in settings.inner_text()
    page.get_by_role("img", name="Difference of loss").wait_for()
    assert page.get_by_role("img", name="acc of").count() == 0
    assert "the same in every point" in page.inner_text("#app")


def test_the_gap_that_is_pointed_at_is_the_one_that_was_recorded(pages, opened):
    made, ids = pages
    with Store(made.root) as store:
        history = store.history([ids["first"], ids["second"]], "loss")
        a, b = (history.get(ids[name], "loss").values for name in ("first", "second"))
    page = opened(made, f"diff?ids={ids['first']},{ids['second']}")
    chart = page.get_by_role("img", name="Difference of loss")
    chart.wait_for()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 9, box["y"] + 30)
    said = page.locator(".said", has_text="gap")
    said.wait_for()
    assert repr(float(b[-1] - a[-1])) in said.inner_text()


def test_more_than_two_are_a_matrix_that_marks_the_odd_one(pages, opened):
    made, ids = pages
    page = opened(made, f"diff?ids={ids['first']},{ids['second']},{ids['third']}")
    row = page.get_by_role("row", name="optimizer.lr")
    row.wait_for()
    assert [one.inner_text().split("◂")[0].strip() for one in row.get_by_role("cell").all()] == [
        "0.1",
        "0.3",
        "0.1",
    ]
    assert row.locator(".odd").count() == 1
    page.get_by_role("link", name="Leave out second").click()
    page.get_by_role("link", name="swap").wait_for()
    assert ids["second"] not in address(page)


def test_a_correction_is_shown_beside_what_the_program_had_set(lab, project, opened):
    ids = []
    for name, rate in (("one", 0.1), ("other", 0.3)):
        exp = Experiment(
            f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0, params={"lr": rate, "layers": 2}
        )  # fmt: skip
        with exp:
            exp.log_metrics({"loss": rate}, step=0)
        ids.append(exp.id)
    with Store(lab.root) as store:
        store.set_params(ids[0], {"lr": 0.2}, remove=["layers"], why="read from the log")
    page = opened(lab, f"diff?ids={ids[0]},{ids[1]}")
    told = page.get_by_role("list", name="Corrected afterwards in one")
    told.wait_for()
    said = told.inner_text()
    assert "0.1" in said
    assert "0.2" in said
    assert "read from the log" in said
    assert page.get_by_role("list", name="Corrected afterwards in other").count() == 0
    page.get_by_role("link", name="one", exact=True).first.click()
    told = page.get_by_role("list", name="Corrected afterwards", exact=True)
    told.wait_for()
    lines = [one.inner_text() for one in told.get_by_role("listitem").all()]
    assert any("layers" in one and "taken away" in one for one in lines)
    assert any("lr" in one and "read from the log" in one for one in lines)


def test_one_that_is_deleted_meanwhile_is_said(lab, project, opened):
    ids = []
    for name in ("one", "other"):
        exp = Experiment(f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0)
        with exp:
            exp.log_metrics({"loss": 1.0}, step=0)
        ids.append(exp.id)
    page = opened(lab, f"diff?ids={ids[0]},{ids[1]}")
    page.get_by_role("heading", name="The same in all points").wait_for()
    with Store(lab.root) as store:
        store.delete([ids[1]])
    page.get_by_text("One of these experiments was deleted").wait_for()
    page.wrong.clear()

"""Reports in the page: written with a preview, read live, saved by two at once, hostile to the reader, and had as files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anew import Experiment, Store

from .conftest import Shown

HOSTILE = """<script>window.hurt = 1</script><img src=x onerror="window.hurt = 2">

[run](javascript:window.hurt=3) ![spy](https://spy.example/a.png) [web](https://ok.example) <svg/onload=alert(1)>

```anew
figure: "<img src=x onerror=window.hurt=4>"
caption: "<b onclick=alert(1)>caption</b>"
```

```anew
filter: "<script>window.hurt = 5</script>"
```
"""


@pytest.fixture
def trained(lab: Shown, project: str) -> dict[str, str]:
    """Two experiments of a project, by name."""
    return {name: _record(lab, project, name) for name in "ab"}


def _record(lab: Shown, project: str, name: str) -> str:
    with Experiment(
        f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0, params={"lr": 0.1}
    ) as exp:
        for step in range(3):
            exp.log_metrics({"loss": 1.0 / (step + 1)}, step=step)
        return exp.id


def _typed(page, text: str) -> None:
    page.get_by_label("The text of the report in Markdown").fill(text)


@pytest.mark.slow
def test_a_report_is_written_with_a_preview_and_read_live(lab, project, trained, opened):
    page = opened(lab, f"reports?in={project}")
    page.get_by_role("button", name="New report").click()
    page.get_by_label("Name", exact=True).fill("paper")
    page.get_by_role("button", name="Write", exact=True).click()
    preview = page.get_by_label("Preview", exact=True)
    preview.get_by_role("heading", name="paper").wait_for()
    text = f"# Found\n\nSee [the first](anew:{trained['a']}).\n\n```anew\nfigure: loss\n```\n\n```anew\ntable: [name, params.lr]\nsort: [name]\n```\n"
    _typed(page, text + "\n```anew\nfigur: loss\n```\n")
    preview.locator('section[aria-label="loss"][data-drawn]').wait_for()
    preview.get_by_text("Did you mean 'figure'?").wait_for()
    _typed(page, text)
    preview.get_by_text("Did you mean").wait_for(state="detached")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The report paper is saved.").wait_for()
    with Store(str(lab.root)) as store:
        assert store.reports.get("paper", project).text == text
    report = page.get_by_label("Report", exact=True)
    report.get_by_role("img", name="loss as 2 curves").wait_for()
    assert report.locator("tbody tr").all_inner_texts() == ["a\t0.1", "b\t0.1"]
    _record(lab, project, "c")
    report.get_by_role("img", name="loss as 3 curves").wait_for()
    said = page.get_by_role("region", name="Comments")
    said.get_by_label("A comment").fill("Why is *this* so?")
    said.get_by_role("button", name="Comment", exact=True).click()
    said.get_by_text("Why is this so?").wait_for()
    with Store(str(lab.root)) as store:
        (comment,) = (one for one in store.comments.list() if one.about.kind == "report")
        assert (comment.about.id, comment.about.project) == ("paper", project)
    report.get_by_role("link", name="the first").click()
    page.get_by_role("heading", name="Reports").scroll_into_view_if_needed()
    page.get_by_role("list", name="Reports").get_by_role("link", name="Found").click()
    page.get_by_label("Report", exact=True).get_by_role("heading", name="Found").wait_for()


def test_nothing_that_somebody_writes_runs_in_a_report(lab, project, trained, opened):
    with Store(str(lab.root)) as store:
        store.reports.save("hostile", HOSTILE, project)
    page = opened(lab, f"reports?in={project}&at={project}:hostile")
    report = page.get_by_label("Report", exact=True)
    report.locator("figcaption").wait_for()
    report.get_by_text("<script>window.hurt = 1</script>").wait_for()
    links = report.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert sorted(one for one in links if "://" in one and "127.0.0.1" not in one) == [
        "https://ok.example", "https://spy.example/a.png",
    ]  # fmt: skip
    assert report.locator("img, script, svg").count() == 0
    page.wait_for_timeout(200)
    assert page.evaluate("window.hurt") is None


@pytest.mark.slow
def test_two_who_write_one_report_are_told_and_its_history_is_kept(lab, project, trained, opened):
    with Store(str(lab.root)) as store:
        store.reports.save("ours", "# First\n", project)
        page = opened(lab, f"reports?in={project}&at={project}:ours")
        page.get_by_role("button", name="Edit").click()
        _typed(page, "# Mine\n")
        store.reports.save("ours", "# Theirs\n", project)
        # It comes by the stream: there is nothing to save until one of the two is chosen.
        page.get_by_text("has saved this report while it was written here").wait_for()
        assert page.get_by_role("button", name="Save", exact=True).is_disabled()
        page.get_by_role("button", name="See what is different").click()
        assert page.locator("pre del").inner_text() == "Theirs"
        page.get_by_role("button", name="Keep mine over it").click()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("The report ours is saved.").wait_for()
        assert store.reports.get("ours", project).text == "# Mine\n"
        page.get_by_role("button", name="More of this report").click()
        page.get_by_role("menuitem", name="What it said before").click()
        versions = page.get_by_label("What it said before").locator("li button")
        versions.nth(2).click()
        page.get_by_role("heading", name="First").wait_for()
        page.get_by_role("button", name="Make this the newest").click()
        page.get_by_text("is the newest again").wait_for()
        assert store.reports.get("ours", project).text == "# First\n"
        with page.expect_download() as told:
            page.get_by_role("button", name="More of this report").click()
            page.get_by_role("menuitem", name="As one HTML file").click()
        assert told.value.suggested_filename == "ours.html"
        assert "<h1>First</h1>" in Path(told.value.path()).read_text()
        page.get_by_role("button", name="More of this report").click()
        page.get_by_role("menuitem", name="Remove this report").click()
        page.get_by_text("The report ours is removed.").wait_for()
        assert store.reports.list(project) == ()
        page.get_by_role("button", name="Undo").last.click()
        page.get_by_role("heading", name="First").wait_for()
        # Two texts that were written side by side, as in two copies of a store that were merged: one is kept.
        scope = f"project/{project}"
        seen = store.document("report", "ours", scope=scope)
        for text in ("# Here\n", "# There\n"):
            store.set_document("report", "ours", {"text": text}, scope=scope, after=seen)
        page.get_by_text("saved another text").wait_for()  # it comes by itself
        page.get_by_role("heading", name="There").wait_for()
        page.get_by_role("button", name=re.compile("^Show .*'s$")).click()
        page.get_by_role("heading", name="Here").wait_for()
        page.get_by_role("button", name="Keep the one that is shown").click()
        page.get_by_text("saved another text").wait_for(state="detached")
        kept = store.reports.get("ours", project)
        assert (kept.text, kept.others) == ("# Here\n", ())
        # What was written and not saved is there after the page was loaded again, and after somebody else saved.
        page.get_by_role("button", name="Edit").click()
        _typed(page, "# A draft\n")
        page.reload()
        page.get_by_text("What was written here and not saved is there again.").wait_for()
        (asked,) = (one for one in page.wrong if one.startswith("dialog: "))  # whether to leave
        page.wrong.remove(asked)
        text = page.get_by_label("The text of the report in Markdown")
        assert text.input_value() == "# A draft\n"
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("heading", name="Here").wait_for()
        # A file that somebody has written elsewhere.
        page.get_by_role("main").get_by_role("link", name="Reports", exact=True).click()
        page.get_by_role("button", name="New report").click()
        file = {"name": "from git.md", "mimeType": "text/markdown", "buffer": b"# From a file\n"}
        page.locator("input[type=file]").set_input_files([file])
        page.get_by_role("button", name="Write", exact=True).click()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("heading", name="From a file").wait_for()
        assert store.reports.get("from git", project).text == "# From a file\n"

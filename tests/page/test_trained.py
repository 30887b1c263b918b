"""What the page says of a program that was run in a repository: its code, inputs and machine, its media and files, its kin."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import shown
from .test_experiment import part
from .trained import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(starter, tmp_path_factory):
    """Three runs of the program, and their ids."""
    folder = tmp_path_factory.mktemp("trained")
    ids = train(folder / "root", folder / "code")
    with shown(starter, folder / "root") as made:
        yield made, ids


def test_the_code_is_the_command_the_commit_and_the_lines_that_were_not_committed(trained, opened):
    made, ids = trained
    page = opened(made, f"x/{ids['fork']}")
    code = part(page, "code")
    expect(code).to_contain_text("train.py")
    expect(code.get_by_title("Copy the commit")).to_have_text(re.compile("^[0-9a-f]{12}"))
    changes = code.get_by_role("region", name="Changes of train.py")
    expect(changes.locator(".added .code")).to_have_text(["SCALE = 2  # a try"])
    assert changes.locator(".removed .code").all_inner_texts() == ["SCALE = 1"]


def test_the_environment_and_the_inputs_are_listed_and_searched(trained, opened):
    made, ids = trained
    page = opened(made, f"x/{ids['base']}")
    environment = part(page, "environment")
    environment.get_by_text("seeds").wait_for()
    environment.get_by_role("searchbox").fill("numpy")
    packages = environment.get_by_role("list", name="Packages").get_by_role("listitem")
    expect(packages.filter(has_text=re.compile(r"^numpy"))).to_have_count(1)
    assert packages.count() < 5
    row = part(page, "inputs").get_by_role("row", name="train.csv")
    expect(row).to_contain_text("18 B")
    expect(row.get_by_title("Copy the SHA-256")).to_have_text(re.compile("^[0-9a-f]{12}"))
    # The page scrolls, and the document never: the bar would be gone for good.
    assert page.evaluate("document.scrollingElement.scrollHeight - innerHeight") == 0


def test_lineage_leads_from_a_run_to_its_parent_its_forks_and_its_retries(trained, opened):
    made, ids = trained
    page = opened(made, f"x/{ids['fork']}")
    part(page, "lineage").get_by_role("link", name="base", exact=True).click()
    page.wait_for_url(f"**/x/{ids['base']}")
    lineage = part(page, "lineage")
    lineage.get_by_role("link", name="fork", exact=True).wait_for()
    retry = lineage.get_by_role("listitem").filter(has_text="failed")
    retry.get_by_role("link").first.click()
    page.wait_for_url(f"**/x/{ids['retry']}")
    expect(page.locator(".reason")).to_contain_text("the batch is too large")
    expect(page.locator("header.head pre")).to_contain_text("MemoryError")


def test_media_of_all_kinds_follow_the_step(trained, opened):
    made, ids = trained
    page = opened(made, f"x/{ids['base']}", height=2400)
    media = part(page, "media")
    text = media.locator("figure", has=page.get_by_text("sample", exact=True))
    expect(text).to_contain_text("what it wrote at step 20")
    media.get_by_role("slider", name="step").fill("1")
    expect(text).to_contain_text("what it wrote at step 10")
    picture = media.locator("figure", has=page.get_by_text("image", exact=True)).locator("img")
    page.wait_for_function("(one) => one.complete && one.naturalWidth > 0", arg=picture.element_handle())  # fmt: skip
    video = media.get_by_role("img", name="video", exact=True)
    page.wait_for_function("(one) => one.width === 32 && one.dataset.frame === '0'", arg=video.element_handle())  # fmt: skip
    media.locator("svg[data-stretches]").wait_for()
    sound = media.locator("audio")
    page.wait_for_function("(one) => one.duration > 0.05", arg=sound.element_handle())
    expect(media).to_contain_text("a hum")
    assert media.get_by_role("img", name="Histogram of weights: 500 values").count() == 1
    assert media.get_by_role("region", name="scores").get_by_role("row").count() == 11
    chart = media.get_by_role("img", name="Calibration")
    chart.wait_for()
    assert chart.locator("path.line").count() == 1
    assert chart.locator("rect.bar").count() == 3


def test_files_are_a_tree_with_a_preview_of_texts_pictures_and_what_else_there_is(trained, opened):
    made, ids = trained
    page = opened(made, f"x/{ids['base']}")
    files = part(page, "files")
    files.get_by_role("button", name="made/").wait_for()
    files.get_by_role("button", name="readme.txt").click()
    files.locator("pre", has_text="what is in it").wait_for()
    files.get_by_role("button", name="picture.png").click()
    picture = files.get_by_role("img", name="picture.png")
    page.wait_for_function("(one) => one.naturalWidth === 16", arg=picture.element_handle())
    files.get_by_role("button", name="weights.bin").click()
    files.get_by_text("A binary file of 2.0 kB").wait_for()
    with page.expect_download() as download:
        files.get_by_role("link", name="Download", exact=True).click()
    assert download.value.path().read_bytes() == bytes(range(256)) * 8


def test_a_difference_names_the_line_of_code_the_data_and_where_the_curves_part(trained, opened):
    made, ids = trained
    page = opened(made, f"diff?ids={ids['base']},{ids['fork']}")
    page.get_by_role("heading", name="loss parts").wait_for()
    code = page.get_by_role("list", name="Code")
    row = code.get_by_role("listitem").filter(has_text="train.py uncommitted")
    row.locator("summary").first.click()
    expect(row).to_contain_text("SCALE = 2  # a try")
    expect(page.get_by_role("list", name="Data")).to_contain_text("train.csv")
    expect(page.get_by_role("list", name="Files")).to_contain_text("weights.bin")
    page.get_by_role("img", name="Difference of loss").wait_for()


def test_the_curves_of_more_than_two_are_all_held_against_the_first(trained, opened):
    made, ids = trained
    page = opened(made, f"diff?ids={ids['base']},{ids['retry']},{ids['fork']}")
    chart = page.get_by_role("img", name="loss of base")
    chart.wait_for()
    assert chart.locator("path").count() == 3
    assert page.get_by_role("img", name="Difference of loss").locator("path").count() == 2
    assert len({one.get_attribute("style") for one in page.locator(".sides .key").all()}) == 3

"""Opening the page: where it can lie, what it may load, what it says when there is nothing or nobody answers."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest

from anew.server.static import PAGE, POLICY

from .conftest import Shown, window_of
from .proxying import PREFIX, forwarded, leads_to, proxy
from .roots import record


def asked(url: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=300)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()  # fmt: skip
    connection.close()
    return found


def test_the_page_shows_the_experiments_without_being_asked_anything(grid, opened):
    page = opened(grid)
    page.get_by_text("18 experiments").wait_for()
    page.locator("aside li a").first.wait_for()
    assert page.locator("aside li a").first.inner_text() == "lr0.003-w128-s1"  # the newest first
    assert page.locator("aside li", has_text="✕").count() == 2
    page.locator("canvas").first.wait_for()


@pytest.mark.parametrize(
    "path",
    ["/", "/?tab=table", "/x/one", "/x/one?tab=table&q=lr", "/x/one/reproduction", "/diff?ids=a"],
)
def test_every_address_answers_with_the_document_under_a_strict_policy(grid, path):
    status, headers, body = asked(grid.url, path)
    assert status == 200
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert b"<script>" not in body
    assert b"style=" not in body
    assert (
        f'<base href="{"../" * (path.partition("?")[0].count("/") - 1) or "./"}"'.encode() in body
    )


def test_only_built_files_are_served_and_those_for_good(grid):
    _, _, body = asked(grid.url, "/")
    name = body.partition(b'src="./')[2].partition(b'"')[0].decode()
    status, headers, _ = asked(grid.url, f"/{name}")
    assert status == 200
    assert "immutable" in headers["cache-control"]
    for other in ("assets/../index.html", "assets/%2e%2e/stamp", "assets/none.js", "stamp"):
        assert asked(grid.url, f"/{other}")[0] == 404


def test_whoever_has_not_opened_the_link_is_told_nothing(grid):
    assert asked(grid.url, "/api/v1/experiments")[0] == 401


def test_the_page_names_no_other_host(grid):
    for one in PAGE:
        if "{" not in one.path:
            assert b"://" not in asked(grid.url, one.path)[2]
    assert asked(grid.url, "/", Host="evil.example")[0] == 421


def test_a_first_experiment_appears_by_itself_in_an_empty_store(show, opened, tmp_path):
    page = opened(show())
    page.get_by_role("heading", name="No experiments yet").wait_for()
    record(tmp_path, 0.1, 8, 0)
    page.get_by_role("link", name="lr0.1-w8-s0").wait_for()


def test_the_page_works_below_the_path_of_a_proxy_that_was_named(show, browser, tmp_path):
    record(tmp_path, 0.1, 8, 0)
    id_ = record(tmp_path, 0.1, 8, 1)
    with proxy() as (origin, handler):
        made = show(tmp_path, "--origin", origin)
        leads_to(handler, made.url)
        context = window_of(browser)
        page = context.new_page()
        begin = f"{origin}{PREFIX}/"
        page.goto(f"{begin}?tab=table#{made.link.partition('#')[2]}")
        page.get_by_role("link", name="lr0.1-w8-s1").click()
        page.wait_for_url(f"{begin}x/{id_}**")
        page.locator("#curves canvas").first.wait_for()
        page.reload()
        page.get_by_role("heading", name="lr0.1-w8-s1").wait_for()
        page.goto(f"{begin}?tab=table")
        page.get_by_role("link", name="lr0.1-w8-s0").wait_for()
        record(tmp_path, 0.1, 8, 2)  # what changes is told through it
        page.get_by_role("link", name="lr0.1-w8-s2").wait_for()
        context.close()


def test_the_experiments_of_a_server_are_shown_as_those_of_a_folder(show, starter, opened, tmp_path):  # fmt: skip
    record(tmp_path, 0.1, 8, 0)
    record(tmp_path, 0.1, 8, 1)
    pid, url = starter.start("server", str(tmp_path), "--quiet", "--port", "0")
    try:
        page = opened(show(url), "?tab=charts")
        page.locator('section[aria-label="val/acc"][data-exact]').get_by_text("2 of 2").wait_for()
        page.get_by_role("link", name="lr0.1-w8-s0").click()
        page.get_by_role("heading", name="lr0.1-w8-s0").wait_for()
    finally:
        starter.end(pid)


def test_the_document_of_the_interface_names_the_page(grid):
    document = json.loads(asked(grid.url, "/api/v1/openapi.json")[2])
    assert {one.path.replace(":path", "") for one in PAGE} <= set(document["paths"])


def test_a_root_whose_files_may_only_be_read_is_shown_and_refuses_edits(starter, opened, tmp_path):
    root = tmp_path / "root"
    record(root, 0.1, 8, 0)
    record(root, 0.1, 8, 1)
    every = [root, *root.rglob("*")]
    rights = {path: path.stat().st_mode for path in every}
    for path in every:
        path.chmod(rights[path] & ~0o222)
    made = Shown(starter, root, powerless=True)
    try:
        page = opened(made, "?tab=charts")
        page.locator('section[aria-label="val/acc"][data-exact]').get_by_text("2 of 2").wait_for()
        page.get_by_text("read only").wait_for()
        page.get_by_role("link", name="lr0.1-w8-s1").click()
        page.get_by_role("heading", name="lr0.1-w8-s1").wait_for()
        page.locator("#curves canvas").first.wait_for()
        page.close()  # before the server ends: a stream that is cut off is an error to it
    finally:
        made.stop()
        for path in every:
            path.chmod(rights[path])


def test_the_page_works_at_another_port_and_name_of_this_machine_as_by_forwarding(show, browser, tmp_path):  # fmt: skip
    record(tmp_path, 0.1, 8, 0)
    id_ = record(tmp_path, 0.1, 8, 1)
    made = show(tmp_path)
    with forwarded(made.url) as port:
        context = window_of(browser)
        page = context.new_page()
        page.goto(f"http://localhost:{port}/x/{id_}#{made.link.partition('#')[2]}")
        page.get_by_role("heading", name="lr0.1-w8-s1").wait_for()
        page.get_by_role("button", name="+ tag").click()
        with page.expect_response("**/ask/append") as answer:  # an edit names where it comes from
            page.keyboard.type("forwarded")
            page.keyboard.press("Enter")
        assert answer.value.status == 200
        context.close()


def test_a_connection_that_is_lost_is_said_and_what_happened_meanwhile_is_shown_after_it(show, opened, tmp_path):  # fmt: skip
    record(tmp_path, 0.1, 8, 0)
    page = opened(show(tmp_path), "?tab=table", alone=True)
    page.get_by_role("link", name="lr0.1-w8-s0").wait_for()
    page.context.set_offline(True)
    page.locator(".banner").wait_for()
    assert page.get_by_role("link", name="lr0.1-w8-s0").count() == 1
    record(tmp_path, 0.1, 8, 1)
    page.context.set_offline(False)
    page.get_by_role("link", name="lr0.1-w8-s1").wait_for()
    page.locator(".banner").wait_for(state="detached")
    page.wrong[:] = [one for one in page.wrong if "ERR_INTERNET_DISCONNECTED" not in one]


def test_where_a_proxy_lets_no_stream_through_the_page_asks_every_few_seconds(show, browser, tmp_path):  # fmt: skip
    record(tmp_path, 0.1, 8, 0)
    link = show(tmp_path).link
    context = window_of(browser)
    page = context.new_page()
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.goto(link.replace("#", "?tab=table#"))
    page.get_by_role("link", name="lr0.1-w8-s0").wait_for()
    with page.expect_response("**/ask/changes"):
        record(tmp_path, 0.1, 8, 1)
    page.get_by_role("link", name="lr0.1-w8-s1").wait_for()
    context.close()

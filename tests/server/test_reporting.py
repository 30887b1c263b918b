"""The routes of reports."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

import anew
from anew import Store
from serving import over_a_socket

TEXT = "# Found\n\n```anew\nfigure: loss\n```\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    root = str(tmp_path_factory.mktemp("reporting"))
    with anew.Experiment("lab/v/a", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    with Store(root) as store:
        store.reports.save("a paper/draft", TEXT, "lab/v")
        store.reports.save("other", "Text.")
    with over_a_socket(root) as url:
        yield url, exp.id


def _got(url: str, path: str, **query: str) -> http.client.HTTPResponse:
    return urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}")


def test_reports_are_listed_without_their_texts(served):
    url, id_ = served
    found = json.load(_got(url, "reports"))
    assert [(one["name"], one["title"], one["how"]) for one in found] == [
        ("a paper/draft", "Found", None), ("other", "other", None),
    ]  # fmt: skip
    assert "text" not in found[0]
    (only,) = json.load(_got(url, "reports", experiment=id_))
    assert (only["name"], only["how"]) == ("a paper/draft", "found")
    assert [one["name"] for one in json.load(_got(url, "reports", project="lab/w"))] == ["other"]


def test_one_report_is_told_and_what_a_text_shows(served):
    url, id_ = served
    path = "reports/" + urllib.parse.quote("a paper/draft")
    assert json.load(_got(url, path, project="lab/v", history="true"))["text"] == TEXT
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _got(url, path)
    body = json.dumps({"text": TEXT + f"\n[x](anew:{id_[:4]})", "project": "lab/v"}).encode()
    asked = urllib.request.Request(f"{url}/api/v1/reports/pieces", body, {"Content-Type": "application/json"})  # fmt: skip
    head, block, tail = json.load(urllib.request.urlopen(asked))
    assert head["html"] == "<h1>Found</h1>\n"
    assert block["block"]["metrics"] == ["loss"]
    assert f'href="anew:{id_}"' in tail["html"]


def test_a_report_is_a_file_that_no_browser_shows(served):
    url, _ = served
    with _got(url, "report-files/other", form="html") as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="report.html"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert b"<p>Text.</p>" in answer.read()
    with _got(url, "report-files/other", form="md") as answer:
        assert answer.read() == b"Text."
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _got(url, "report-files/nothing")

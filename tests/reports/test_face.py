"""Reports, in a folder and on a server."""

from __future__ import annotations

import pytest

import anew
from anew import Store
from anew.errors import Conflict, InvalidName, InvalidValue, NotFound
from anew.reading.remote.backend import RemoteBackend
from serving import over_a_socket

TEXT = "# What *we* found\n\nSee [the best](anew:{id}).\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    found = tmp_path_factory.mktemp("reports")
    for name in ("one", "two"):
        with anew.Experiment(
            prefix=f"lab/vision/{name}", root=str(found), quiet=True, system_metrics=0, params={"lr": 0.1},
        ) as exp:  # fmt: skip
            exp.log_metrics({"loss": 1.0}, step=0)
    return str(found)


@pytest.fixture(scope="module", params=["folder", "server"])
def store(request: pytest.FixtureRequest, root: str):
    if request.param == "folder":
        with Store(root) as opened:
            yield opened
        return
    with over_a_socket(root) as url, Store(url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _clean(store):
    yield
    for one in store.reports.list():
        store.reports.remove(one.name, one.project)


def test_a_report_is_kept_with_what_it_said_before(store):
    first = store.reports.save("paper", TEXT)
    assert (first.name, first.project, first.text, first.title) == (
        "paper",
        None,
        TEXT,
        "What we found",
    )
    store.reports.save("paper", "No heading.", seen=first)
    now = store.reports.get("paper", history=True)
    assert (now.title, now.earlier[0].text, now.earlier[0].user) == ("paper", TEXT, first.user)
    with pytest.raises(Conflict):
        store.reports.save("paper", "theirs", seen=first)
    assert store.reports.get("paper").text == "No heading."
    assert store.reports.remove("paper").text == "No heading."
    with pytest.raises(NotFound):
        store.reports.get("paper")


def test_a_report_is_for_a_project_or_for_all(store):
    store.reports.save("paper", "a")
    store.reports.save("paper", "b", "lab/vision")
    store.reports.save("notes", "c", "lab/speech")
    assert [one.text for one in store.reports.list("lab/vision/deep")] == ["b", "a"]
    assert len(store.reports.list()) == 3
    assert store.reports.get("paper", "lab/vision").text == "b"


def test_what_cannot_be_kept_is_refused(store):
    with pytest.raises(InvalidValue):
        store.reports.save("paper", "x" * (1 << 20) + "x")
    with pytest.raises(InvalidName):
        store.reports.save("a\nb", "x")
    assert store.reports.list() == ()


def test_an_experiment_knows_the_reports_that_show_it(store):
    one, two = store.get("lab/vision/one").id, store.get("lab/vision/two").id
    store.reports.save("linked", TEXT.format(id=one))
    store.reports.save(
        "found", "```anew\ntable: [name]\nfilter: name == 'one'\n```\n", "lab/vision"
    )
    store.reports.save("elsewhere", "```anew\ntable: [name]\n```\n", "lab/speech")
    store.reports.save("broken", "```anew\nfilter: (((\n```\n")
    store.reports.save("verdict", f"```anew\nverdict: [{one}, {two}]\n```\n")
    assert [(x.name, x.how) for x in store.reports.showing(one)] == [
        ("found", "found"), ("linked", "named"), ("verdict", "named"),
    ]  # fmt: skip
    assert [x.name for x in store.reports.showing(two)] == ["verdict"]
    for nobody in ("nobody", ""):
        with pytest.raises(NotFound):
            store.reports.showing(nobody)


def test_a_server_knows_which_reports_show_an_experiment_and_sends_no_text(store, root, monkeypatch):  # fmt: skip
    one = store.get("lab/vision/one").id
    store.reports.save("linked", TEXT.format(id=one))
    with Store(root) as folder:
        expected = folder.reports.showing(one)
    with monkeypatch.context() as without:
        without.delattr(RemoteBackend, "documents")
        assert store.reports.showing(one) == expected
    assert [x.title for x in expected] == ["What we found"]


def test_what_a_text_shows_is_the_same_from_everywhere(store):
    store.saved_views.save("losses", {"y_log": True, "panels": [{"name": "L", "panels": ["lo*"]}]})
    text = (
        "Text.\n\n```anew\nview: losses\nfilter: params.lr < 1\n```\n\n```anew\nfigur: loss\n```\n"
    )
    words, shown, wrong = store.reports.pieces(text, "lab/vision")
    assert words.html == "<p>Text.</p>\n"
    assert (shown.block.kind, shown.block.metrics, shown.block.look.y_log) == ("figure", ("loss",), True)  # fmt: skip
    assert "prefix =~ '^lab/vision/'" in shown.block.filter
    assert "figure" in wrong.problem

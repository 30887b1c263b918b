"""Saved views, on a folder and on a server."""

from __future__ import annotations

import pytest

import anew
from anew import Store
from anew.errors import Conflict, InvalidValue, NotFound
from anew.reading.saved_views import to_yaml
from serving import over_a_socket

SHOWS = {"filter": "status == 'completed'", "columns": ["name", "metrics.loss"], "smooth": 0.5}


@pytest.fixture(params=["folder", "server"])
def store(request: pytest.FixtureRequest, tmp_path):
    with anew.Experiment(prefix="lab/vision/one", root=str(tmp_path), quiet=True, system_metrics=0):
        pass
    if request.param == "folder":
        with Store(str(tmp_path)) as opened:
            yield opened
        return
    with over_a_socket(str(tmp_path)) as url, Store(url) as opened:
        yield opened


def test_a_view_is_kept_with_what_it_showed_before(store):
    first = store.saved_views.save("overview", SHOWS)
    assert (first.name, first.project, first.shows, first.default) == (
        "overview",
        None,
        SHOWS,
        False,
    )
    store.saved_views.save("overview", {**SHOWS, "smooth": 0.0})
    now = store.saved_views.get("overview", history=True)
    assert now.shows["smooth"] == 0.0
    assert [one.shows for one in now.earlier] == [SHOWS]
    assert now.earlier[0].user == first.user
    assert store.saved_views.get("overview").earlier == ()
    assert store.saved_views.remove("overview").name == "overview"
    with pytest.raises(NotFound):
        store.saved_views.get("overview")
    again = store.saved_views.save("overview", SHOWS)
    assert len(store.saved_views.get("overview", history=True).earlier) == 3, again


def test_two_who_save_one_view_are_told(store):
    seen = store.saved_views.save("overview", SHOWS)
    store.saved_views.save("overview", {"filter": "mine"}, seen=seen)
    with pytest.raises(Conflict):
        store.saved_views.save("overview", {"filter": "theirs"}, seen=seen)
    assert store.saved_views.get("overview").shows == {"filter": "mine"}


def test_a_project_has_views_and_a_default_of_its_own(store):
    views = store.saved_views
    views.save("everywhere", {"x": "time"})
    views.save("vision", SHOWS, "lab/vision")
    views.save("vision", {"x": "step"}, "lab/visions")
    assert [one.name for one in views.list("lab/vision/deep")] == ["everywhere", "vision"]
    assert views.default("lab/vision") is None
    views.set_default("everywhere")
    assert views.default("lab/vision").name == "everywhere"
    views.set_default("vision", "lab/vision")
    assert views.default("lab/vision/deep").project == "lab/vision"
    assert views.default("lab").name == "everywhere"
    assert {(one.name, one.project) for one in views.list() if one.default} == {
        ("everywhere", None), ("vision", "lab/vision"),
    }  # fmt: skip
    views.remove("vision", "lab/vision")
    assert views.default("lab/vision").name == "everywhere"
    assert views.set_default(None) is None
    assert views.default("lab/vision") is None
    with pytest.raises(NotFound):
        views.set_default("nowhere")


def test_a_view_is_readable_yaml(store):
    saved = store.saved_views.save(
        "overview", "filter: metrics.loss < 1\nsort: [-created_at, name]\n"
    )
    assert saved.shows == {"filter": "metrics.loss < 1", "sort": ["-created_at", "name"]}
    text = to_yaml(saved)
    assert text == "filter: metrics.loss < 1\nsort:\n- -created_at\n- name\n"
    assert store.saved_views.save("overview", text, seen=saved).shows == saved.shows
    for wrong in (
        "- a",
        "{",
        "a: &x 1\nb: *x",
        "x" * (300 << 10),
        "!!python/object:os.system {}",
        "1: 2",
        "[" * 3000,
    ):
        with pytest.raises(InvalidValue):
            store.saved_views.save("overview", wrong)
    assert store.saved_views.get("overview").shows == saved.shows

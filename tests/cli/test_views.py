"""`anew views`."""

from __future__ import annotations


def test_a_view_is_saved_from_a_file_shown_and_removed(change, tmp_path):
    file = tmp_path / "view.yaml"
    file.write_text("filter: status == 'completed'\ncolumns:\n- name\n- metrics.val/loss\n")
    assert change("views", "save", "overview", file, "--project", "alice/vision").code == 0
    shown = change("views", "show", "overview", "--project", "alice/vision")
    assert shown.out == file.read_text()
    assert change("views", "show", "overview").code == 3
    assert (
        change("views", "save", "overview", "-", "-p", "alice/vision", input="x: time\n").code == 0
    )
    history = change("views", "show", "overview", "-p", "alice/vision", "--history", "--json").json
    assert [one["shows"] for one in history["view"]["earlier"]] == [
        {"filter": "status == 'completed'", "columns": ["name", "metrics.val/loss"]}
    ]
    assert len(change("views", "show", "overview", "-p", "alice/vision", "--history").lines) == 3
    assert change("views", "default", "overview", "-p", "alice/vision").code == 0
    (only,) = change("views", "list", "--json").json["views"]
    assert (only["name"], only["project"], only["default"]) == ("overview", "alice/vision", True)
    assert change("views", "-q").lines == ["overview"]
    assert change("views", "list", "--project", "bob", "-q").out == ""
    assert change("views", "default", "--none", "-p", "alice/vision").code == 0
    assert change("views", "default").code == 2
    assert change("views", "remove", "overview", "-p", "alice/vision").code == 0
    assert change("views", "--json").json["views"] == []


def test_what_is_no_view_is_refused(change):
    assert change("views", "save", "x", "-", input="- a list\n").code == 2
    assert change("views", "save", "x", "-", input="a: [\n").code == 2
    assert change("views", "default", "nowhere").code == 3
    assert change("views", "remove", "nowhere").code == 3


def test_a_filter_of_ones_own_is_saved_and_listed_by(change):
    assert change("views", "save", "failures", "--filter", "status == 'failed'", "--mine").code == 0
    (only,) = change("views", "--json").json["views"]
    assert (only["mine"], only["project"], only["shows"]) == (
        True, None, {"filter": "status == 'failed'"},
    )  # fmt: skip
    failed = change("list", "-s", "failed", "-q").lines
    assert len(failed) == 1
    assert change("list", "--view", "failures", "-q").lines == failed
    assert change("list", "name == 'baseline'", "--view", "failures", "-q").lines == []
    assert change("list", "--view", "nowhere").code == 3
    assert change("views", "show", "failures").code == 3
    assert change("views", "show", "failures", "--mine").lines == ["filter: status == 'failed'"]
    assert change("views", "save", "x").code == 2
    assert change("views", "save", "x", "--filter", "a", "--mine", "-p", "lab").code == 2
    assert change("views", "remove", "failures", "--mine").code == 0

from __future__ import annotations

import pytest

from anew import Store
from anew.errors import NotFound

REF = "alice/vision/sweep/run-0"


def test_tags_are_added_with_and_without_values_and_removed(change):
    outcome = change("tag", REF, "good", "stage=two", "--remove", "sweep")
    assert outcome.code == 0
    assert set(outcome.lines) == {"team=vision", "good", "stage=two"}
    assert change("tag", REF, "--json").json["tags"] == {
        "team": "vision", "good": None, "stage": "two",
    }  # fmt: skip
    assert len(change("list", "'good' in tags", "-q").lines) == 1


def test_removing_a_tag_that_is_not_there_is_a_mistake(change):
    outcome = change("tag", REF, "--remove", "nope")
    assert outcome.code == 2
    assert "'sweep'" in outcome.err


def test_a_tag_that_cannot_be_kept_is_refused(change):
    assert change("tag", REF, "a\x00b").code == 2


def test_notes_are_set_added_to_read_from_standard_input_and_cleared(change):
    assert change("note", REF, "two", "words").out == "two words\n"
    assert change("note", REF, "--append", "more").lines == ["two words", "more"]
    assert change("note", REF, "-", input="from a pipe\n").out == "from a pipe\n"
    assert change("note", REF).out == "from a pipe\n"
    assert change("note", REF, "--clear", "--json").json["notes"] is None
    assert change("note", REF).err.endswith("has no notes.\n")


def test_a_parameter_that_is_no_number_is_taken_back(change):
    before = change("show", REF, "--json").json["params"]
    assert "lr=nan" in change("edit", REF, "--param", "lr=NaN", "--why", "it was lost").lines
    told = change("undo").out
    assert "nan → " in told
    assert "$float" not in told
    assert change("show", REF, "--json").json["params"] == before


def test_parameters_are_corrected_and_nothing_else_changes(change):
    before = change("show", REF, "--json").json
    given = [
        arg
        for one in ("lr=3e-4", "model.depth=12", "word=adam", 'text="7"')
        for arg in ("--param", one)
    ]
    outcome = change("edit", REF, *given, "--why", "a typo", "--json")
    assert outcome.code == 0
    after = change("show", REF, "--json").json
    assert after["params"] == {
        **before["params"], "lr": 3e-4, "model": {"depth": 12}, "word": "adam", "text": "7",
    }  # fmt: skip
    for same in ("status", "duration", "openings", "captured", "ended_at"):
        assert after[same] == before[same]
    assert "word=adam" in change("edit", REF).lines
    assert change("edit", REF, "--param", "lr").code == 2
    kept = after["corrected"]["lr"]
    assert (kept["was"], kept["missing"], kept["why"]) == (before["params"]["lr"], False, "a typo")
    assert after["corrected"]["model.depth"]["missing"] is True
    assert "a typo" in change("show", REF).out


def test_contradictions_are_refused(change):
    assert change("note", REF, "text", "--clear").code == 2
    assert change("note", REF, "--append").code == 2


def test_an_editor_that_does_not_save_changes_nothing(change, monkeypatch):
    monkeypatch.setenv("EDITOR", "true")
    outcome = change("note", "baseline", "--edit")
    assert outcome.code == 5
    assert change("note", "baseline").out == "to compare with\n"


def test_an_unknown_experiment_is_not_found(change):
    assert change("tag", "nope-nope", "x").code == 3
    assert change("note", "nope-nope", "x").code == 3


def test_a_goal_is_said_listed_gone_by_and_taken_back(change):
    metric = change("best", "val/loss", "--json").json["metric"]
    said = change("goal", metric, "max", "--main", "--project", "alice/vision", "--json")
    assert said.code == 0
    assert [(one["metric"], one["better"], one["main"]) for one in said.json["goals"]] == [
        (metric, "max", True)
    ]
    assert metric in change("goal").out
    assert change("best", "--json").json["best"][0]["mode"] == "max"
    assert change("goal", metric, "--clear").code == 3
    assert change("goal", metric, "--clear", "--project", "alice/vision").code == 0
    assert change("goal", "--json").json["goals"] == []
    assert change("goal", metric, "max", "--clear").code == 2


def test_a_name_and_a_description_are_set(change):
    assert change("rename", REF, "the", "best", "--json").json["name"] == "the best"
    assert change("show", REF, "--json").json["name"] == "the best"
    assert change("rename", REF).code == 2
    assert change("describe", REF, "what", "it", "is").out == "what it is\n"
    assert change("describe", REF, "--clear", "--json").json["description"] is None


SWEEP = "prefix =~ '^alice/vision/sweep/'"


def everything(change) -> dict[str, dict]:
    """What can be changed of every experiment, by id."""
    ids = change("list", "-q", "--all").lines
    shown = {one: change("show", one, "--json").json for one in ids}
    keys = ("prefix", "name", "description", "notes", "tags", "params", "corrected", "hidden")
    return {one: {key: facts[key] for key in keys} for one, facts in shown.items()}


@pytest.mark.parametrize(
    "command",
    [
        ("tag", "--filter", SWEEP, "seen", "team=audio", "--remove", "sweep"),
        ("note", "--filter", SWEEP, "all", "of", "them"),
        ("note", "--filter", SWEEP, "--append", "more"),
        ("describe", "--filter", SWEEP, "a", "sweep"),
        ("rename", "--filter", SWEEP, "same"),
        (
            "edit",
            "--filter",
            SWEEP,
            "--param",
            "lr=0.01",
            "--param",
            "new.one=[1]",
            "--remove",
            "batch",
        ),
        ("hide", "--filter", SWEEP, "val/*", "--why", "another scale"),
        ("move", "--filter", SWEEP, "alice/elsewhere"),
        ("move", "alice/vision/sweep", "bob/taken/over"),
    ],
    ids=lambda command: f"{command[0]} {command[2][:6]}",
)
def test_many_are_changed_at_once_after_a_look_and_all_of_it_is_taken_back(change, command):
    before = everything(change)
    looked = change(*command, "--dry-run", "--json")
    assert looked.code == 0
    assert everything(change) == before
    made = change(*command, "--json").json
    assert made["changed"] == looked.json["changed"]
    assert not made["dry_run"]
    after = everything(change)
    assert {one for one in before if after[one] != before[one]} == {
        one["id"] for one in made["changed"]
    }
    assert len(made["changed"]) >= 2
    would = change("undo", "--dry-run", "--json").json
    assert (would["command"], would["dry_run"]) == (command[0], True)
    assert everything(change) == after
    assert change("undo").code == 0
    assert everything(change) == before
    assert change("undo").code == 3


def test_metrics_are_hidden_and_shown(change, store_root):
    (metric, *others) = sorted(change("show", REF, "--json").json["metrics"])
    assert change("hide", REF, metric, "--why", "no use", "--json").json["hidden"][metric][
        "why"
    ] == ("no use")
    with Store(store_root) as store:
        assert sorted(store[REF].metrics) == others
        assert {one.metric for one in store.history(REF)} <= set(others)
        assert list(store.history(REF, "*").series) != []
        assert (
            f"metrics.{metric}"
            not in store.list(f"id == '{store[REF].id}'").to_arrow().column_names
        )
        with pytest.raises(NotFound):
            store.hide_metrics(REF, metric)
        with pytest.raises(NotFound):
            store.history(REF, metric)
        assert metric in store.show_metrics(REF, metric).metrics
        assert metric not in store.hide_metrics(REF, [metric]).metrics
    assert metric in change("hide", REF).out
    assert change("hide", REF, "no-such").code == 3
    assert change("hide", REF, metric, "--show").code == 0
    assert metric in change("show", REF, "--json").json["metrics"]


def test_what_was_changed_again_since_is_not_taken_back(change, store_root):
    change("tag", "--filter", SWEEP, "seen")
    with Store(store_root) as store:
        store.tag(REF, remove="seen")
    before = everything(change)
    assert change("undo").code != 0
    assert everything(change) == before


def test_two_are_not_moved_to_one_place(change):
    change("move", REF, "alice/other/run-1")
    before = everything(change)
    assert change("move", "--filter", "'run-1' in prefix", "alice/both").code == 2
    assert everything(change) == before

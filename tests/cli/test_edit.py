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


def test_parameters_are_corrected_and_nothing_else_changes(change):
    before = change("show", REF, "--json").json
    outcome = change("param", REF, "lr=3e-4", "model.depth=12", "word=adam", 'text="7"', "--json")
    assert outcome.code == 0
    after = change("show", REF, "--json").json
    assert after["params"] == {
        **before["params"], "lr": 3e-4, "model": {"depth": 12}, "word": "adam", "text": "7",
    }  # fmt: skip
    for same in ("status", "duration", "openings", "captured", "ended_at"):
        assert after[same] == before[same]
    assert "word=adam" in change("param", REF).lines
    assert change("param", REF, "lr").code == 2


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

import pytest

from anew import Experiment, Table, Text


@pytest.fixture
def sweep_id(run):
    return run("list", "name == 'run-0'", "-q").lines[0]


def test_an_experiment_is_found_by_id_start_of_id_and_prefix(run, sweep_id):
    for ref in (sweep_id, sweep_id[:8], "alice/vision/sweep/run-0"):
        outcome = run("show", ref)
        assert outcome.code == 0
        assert f"id           {sweep_id}" in outcome.out


def test_it_shows_facts_parameters_metrics_and_files(run, sweep_id):
    out = run("show", sweep_id).out
    for text in (
        "status       completed", "tags         sweep team=vision", "optimizer.name", "val/loss",
        "models/model.bin", "Configuration", "depth",
    ):  # fmt: skip
        assert text in out


def test_a_failure_is_shown_with_its_reason_and_traceback(run):
    out = run("show", "bob/nlp/broken").out
    assert "failed: RuntimeError: out of luck" in out
    assert "Traceback" in out


def test_values_that_are_not_finite_are_counted(run):
    out = run("show", "bob/nlp/diverged").out
    assert "NaN, inf" in out


def test_json_is_whole_and_valid(run, sweep_id):
    document = run("show", sweep_id, "--json").json
    assert document["id"] == sweep_id
    assert document["params"]["optimizer"]["name"] == "sgd"
    assert run("show", "bob/nlp/diverged", "--json").json["metrics"]


def test_quiet_prints_the_folder(run, made):
    assert run("show", "alice/vision/sweep/run-0", "-q").lines == [
        str(made / "alice/vision/sweep/run-0")
    ]


def test_an_unknown_experiment_is_not_found_and_the_nearest_is_named(run):
    outcome = run("show", "alice/vision/sweep/run-9")
    assert outcome.code == 3
    assert "alice/vision/sweep/run-" in outcome.err
    assert outcome.out == ""


def test_an_ambiguous_start_names_the_candidates(run, change, store_root):
    from collections import Counter

    from .conftest import call, recorded

    while True:  # ids are random: a shared first letter comes soon
        ids = call("--root", store_root, "list", "-q", "--all").lines
        letter, count = Counter(one[0] for one in ids).most_common(1)[0]
        if count > 1:
            break
        with recorded(store_root, "more"):
            pass
    outcome = change("show", letter)
    assert outcome.code == 4
    assert sum(one in outcome.err for one in ids) >= 2


def test_values_beyond_numbers_are_shown(run, tmp_path):
    root = tmp_path / "values"
    with Experiment("a/values", root=root, quiet=True) as exp:
        for step in range(3):
            exp.log_value("samples/wrong", Text("x"), step=step)
        exp.log_value("confusion", Table({"a": [1]}))
    out = run("show", "a/values", "--root", str(root)).out
    assert "Values (4)" in out
    assert ["samples/wrong", "text", "3", "0,", "1,", "2"] in [
        line.split() for line in out.splitlines()
    ]
    values = run("show", "a/values", "--root", str(root), "--json").json["values"]
    assert [(one["name"], one["kind"], one["step"]) for one in values][-1] == (
        "confusion",
        "table",
        None,
    )

import re

import pytest


def test_the_newest_comes_first_with_what_tells_experiments_apart(run):
    outcome = run("list")
    assert outcome.code == 0
    header, *rows = outcome.lines
    assert header.split()[:4] == ["ID", "NAME", "STATUS", "lr"]
    assert "lr" in header.split()
    assert "optimizer.name" in header.split()
    assert "TAGS" in header.split()
    assert [row.split()[1] for row in rows] == [
        "bob/nlp/diverged", "bob/nlp/broken", "baseline",
        "alice/vision/sweep/run-2", "alice/vision/sweep/run-1", "alice/vision/sweep/run-0",
    ]  # fmt: skip
    assert rows[1].split()[2] == "failed"


def test_parameters_that_are_the_same_everywhere_are_not_shown(run):
    assert "batch" not in run("list", "name =~ '^run'").lines[0].split()


def test_a_value_that_is_not_finite_is_shown_as_such(run):
    (row,) = [row for row in run("list").lines if "diverged" in row]
    assert "NaN" in row.split()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["params.lr >= 0.01"], ["run-1", "run-0"]),
        (["-s", "failed"], ["broken"]),
        (["-s", "failed", "-t", "sweep"], []),
        (["-t", "sweep", "-t", "team=vision"], ["run-2", "run-1", "run-0"]),
        (["-t", "team=nlp"], []),
        (["--name", "baseline"], ["baseline"]),
        (["--project", "nlp"], ["diverged", "broken"]),
        (["params.lr > 0", "-t", "sweep", "--sort", "params.lr"], ["run-2", "run-1", "run-0"]),
        (["-t", "sweep", "--sort", "metrics.val/loss.min", "-n", "2"], ["run-0", "run-1"]),
        (["-n", "2", "--offset", "1"], ["broken", "baseline"]),
    ],
)
def test_experiments_are_chosen_and_ordered(run, arguments, names):
    outcome = run("list", "--json", *arguments)
    assert outcome.code == 0
    assert [one["name"] for one in outcome.json["experiments"]] == names


def test_json_has_the_total_and_everything_a_list_knows(run):
    document = run("list", "--json", "-n", "1", "-t", "sweep").json
    assert document["total"] == 3
    (one,) = document["experiments"]
    assert one["params"]["optimizer.name"] == "adam"
    assert one["metrics"]["val/loss"]["count"] == 4
    assert one["status"] == "completed"
    assert one["tags"] == {"sweep": None, "team": "vision"}


def test_json_has_text_for_what_is_no_json_number(run):
    (one,) = run("list", "--json", "name == 'diverged'").json["experiments"]
    assert one["metrics"]["train/loss"]["last"] == "NaN"


def test_quiet_prints_ids_alone(run):
    ids = run("list", "-q").lines
    assert len(ids) == 6
    assert {len(one) for one in ids} == {12}
    assert run("-q", "list").lines == ids


def test_a_remark_says_when_there_are_more(run):
    outcome = run("list", "-n", "2")
    assert "1 to 2 of 6 experiments" in outcome.err
    assert len(run("list", "-n", "2", "--all").lines) == 7


def test_columns_can_be_chosen(run):
    outcome = run("list", "-t", "sweep", "-c", "status,params.lr,metrics.val/loss.min,tags,user")
    assert outcome.lines[0].split() == ["ID", "STATUS", "lr", "val/loss.min", "tags", "user"]
    assert outcome.lines[1].split()[1:4] == ["completed", "0.001", "2.9557"]


def test_sparklines_are_for_terminals_unless_asked_for(run):
    assert "█" not in run("list").out
    assert "█" in run("list", "--sparklines").out


def test_nothing_found_is_no_failure_and_prints_no_table(run):
    outcome = run("list", "params.lr > 100")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "No experiment fits.\n")


def test_a_filter_with_a_mistake_points_at_it(run):
    outcome = run("list", "params.lrr > 1")
    assert outcome.code == 2
    assert "^" in outcome.err
    assert "params.lr" in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("options", [["-n", "0"], ["--offset", "-1"], ["-s", "done"], ["-c", ","]])
def test_options_that_make_no_sense_are_refused(run, options):
    assert run("list", *options).code == 2


def test_the_best_are_ordered_by_the_best_value_ever(run):
    outcome = run("best", "val/loss", "--json")
    assert [one["experiment"]["name"] for one in outcome.json["best"]] == [
        "run-0",
        "run-1",
        "run-2",
    ]
    assert outcome.json["best"][0]["step"] == 15
    assert outcome.json["best"][0]["mode"] == "min"


def test_an_accuracy_is_best_when_largest(run):
    assert run("best", "val/acc", "-n", "1", "--json").json["best"][0]["value"] == 0.75
    assert run("best", "val/acc", "--mode", "min", "--json").json["best"][0]["value"] == 0


def test_best_takes_status_and_filter(run):
    names = [
        one["experiment"]["name"]
        for one in run("best", "train/loss", "-s", "any", "--json", "-n", "9").json["best"]
    ]
    assert "broken" in names
    outcome = run("best", "train/loss", "-f", "params.lr < 0.05", "--json")
    assert {one["experiment"]["name"] for one in outcome.json["best"]} == {"run-1", "run-2"}


def test_best_in_words(run):
    outcome = run("best", "val/loss")
    assert "min val/loss" in outcome.lines[0]
    assert "run-0" in outcome.lines[1]


def test_an_unknown_metric_is_not_found_and_the_nearest_is_named(run):
    outcome = run("best", "val/los")
    assert outcome.code == 3
    assert "val/loss" in outcome.err


def test_a_misspelt_column_is_a_mistake_not_an_empty_column(run):
    outcome = run("list", "-c", "status,params.lrr")
    assert outcome.code == 2
    assert "params.lr" in outcome.err


def test_a_column_that_only_others_have_is_empty(run):
    outcome = run("list", "-c", "params.lr", "name == 'baseline'")
    assert (outcome.code, len(outcome.lines)) == (0, 2)


def test_a_long_parameter_is_shortened_in_a_table_and_whole_in_json(change, store_root):
    from .conftest import recorded

    for end in "ab":
        with recorded(store_root, f"long/{end}", params={"prompt": "x" * 1_000_000 + end}):
            pass
    rows = [row for row in change("list", "prefix =~ '^long'").out.splitlines() if "long/" in row]
    assert max(map(len, rows)) < 200
    assert [row.split()[3][-1] for row in rows] == ["b", "a"]
    assert max(map(len, change("show", "long/a").lines)) < 300
    (one,) = change("list", "prefix == 'long/a'", "--json").json["experiments"]
    assert len(one["params"]["prompt"]) == 1_000_001


def test_thousands_of_metrics_do_not_flood_the_terminal(change, store_root):
    from .conftest import recorded

    with recorded(store_root, "wide/run") as exp:
        exp.log_metrics({f"layer{i}/norm": float(i) for i in range(3000)})
    outcome = change("show", "wide/run")
    assert len(outcome.lines) < 80
    assert "2,950 more metrics; --all shows them" in outcome.out
    assert len(change("list", "-q").lines) == 7
    assert change("list", "name == 'run'").code == 0


def test_names_in_markup_are_text(change, store_root):
    from .conftest import recorded

    with recorded(store_root, "x/[red]name[bold]", tags=["[blink]"]) as exp:
        exp.log_metric("[link=x]m", 1.0)
    assert "x/[red]name[bold]" in change("list").out
    assert "[link=x]m" in change("show", "x/[red]name[bold]").out


def test_columns_may_be_given_one_by_one(run):
    one_by_one = run("list", "-t", "sweep", "-c", "name", "-c", "lr")
    assert one_by_one.lines[0].split() == ["ID", "name", "lr"]
    assert one_by_one.out == run("list", "-t", "sweep", "-c", "name,lr").out


def test_times_are_shown_as_they_are_where_that_is_asked_for(run):
    day = r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b"
    assert all(re.search(day, row) for row in run("list", "--dates").lines[1:])
    assert not re.search(day, run("list").out), "once is not for ever"

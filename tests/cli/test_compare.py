REFS = tuple(f"alice/vision/sweep/run-{number}" for number in range(3))


def test_experiments_stand_side_by_side_and_the_best_is_marked(run):
    outcome = run("compare", *REFS)
    assert outcome.code == 0
    rows = {line.split("  ")[0]: line.split() for line in outcome.lines[1:]}
    assert rows["name"][1:] == ["run-0", "run-1", "run-2"]
    assert rows["lr"][1:] == ["0.1", "0.01", "0.001"]
    assert rows["min val/loss"][-3].endswith("*")
    assert rows["max val/acc"][-3].endswith("*")
    assert "batch" not in rows


def test_metrics_can_be_chosen(run):
    out = run("compare", *REFS, "-m", "val/acc").out
    assert "val/acc" in out
    assert "val/loss" not in out


def test_a_filter_chooses_experiments(run):
    document = run("compare", "-f", "'sweep' in tags", "--json").json
    assert {one["name"] for one in document["experiments"]} == {"run-0", "run-1", "run-2"}
    assert set(document["params"]) >= {"lr", "optimizer.name"}


def test_a_filter_that_nothing_fits_is_not_found(run):
    outcome = run("compare", "-f", "params.lr > 100")
    assert outcome.code == 3
    assert "nothing to do" in outcome.err


def test_naming_nothing_is_a_mistake(run):
    assert run("compare").code == 2


def test_an_unknown_metric_is_not_found(run):
    assert run("compare", *REFS, "-m", "nope").code == 3

from .conftest import recorded


def test_one_look_shows_what_is_running(change, store_root):
    with recorded(store_root, "alice/vision/now") as exp:
        exp.log_metric("train/loss", 0.5)
        outcome = change("watch", "--once", "--recent", "0s")
        assert outcome.code == 0
        assert len(outcome.lines) == 2
        assert "alice/vision/now" in outcome.lines[1]
        assert "▄" in outcome.lines[1]
        assert change("watch", "--once", "--recent", "0s", "-q").lines == [exp.id]
        assert change("watch", "--once", "--recent", "0s", "--json").json["total"] == 1
        assert change("watch", "--once", "-q", "name == 'other'").lines == []


def test_nothing_running_is_said(run):
    outcome = run("watch", "--once", "--recent", "0s")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err


def test_what_ended_lately_stays_below_what_runs(change, store_root):
    with recorded(store_root, "alice/vision/now") as running:
        ended = []
        for step in range(3):
            with recorded(store_root, f"alice/vision/ended-{step}") as exp:
                ended.append(exp.id)
        ids = [line.split()[0] for line in change("watch", "--once").lines[1:]]
        assert ids[0] == running.id
        assert set(ended) <= set(ids[1:])  # and those of the shared store, if they ended lately too


def test_without_a_terminal_one_look_must_be_meant(run):
    outcome = run("watch")
    assert outcome.code == 2
    assert "--once" in outcome.err

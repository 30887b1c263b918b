from .conftest import recorded


def test_one_look_shows_what_is_running(change, store_root):
    with recorded(store_root, "alice/vision/now") as exp:
        exp.log_metric("train/loss", 0.5)
        outcome = change("watch", "--once")
        assert outcome.code == 0
        assert len(outcome.lines) == 2
        assert "alice/vision/now" in outcome.lines[1]
        assert "▄" in outcome.lines[1]
        assert change("watch", "--once", "-q").lines == [exp.id]
        assert change("watch", "--once", "--json").json["total"] == 1
        assert change("watch", "--once", "-q", "name == 'other'").lines == []


def test_nothing_running_is_said(run):
    outcome = run("watch", "--once")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "Nothing is running.\n")


def test_what_ended_lately_can_be_watched_too(run):
    assert len(run("watch", "--once", "--recent", "1h", "-q").lines) == 6


def test_without_a_terminal_one_look_must_be_meant(run):
    outcome = run("watch")
    assert outcome.code == 2
    assert "--once" in outcome.err

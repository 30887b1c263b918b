"""`anew comment`, `star`, `pin`, `preferences` and `news`."""

from __future__ import annotations

from anew import Experiment, Store
from anew.alerts.sending import Sender
from anew.alerts.watching import Watch

ONE = "alice/vision/sweep/run-1"


def test_people_talk_about_a_point_and_settle_it(change):
    made = change(
        "comment", "add", ONE, "why", "here,", "@bo?", "-m", "train/loss", "--step", "7", "--json"
    )
    comment = made.json["comment"]
    assert comment["about"] == {
        "kind": "point", "id": comment["about"]["id"], "metric": "train/loss", "step": 7,
    }  # fmt: skip
    assert comment["mentions"] == ["bo"]
    id_ = comment["id"]
    (answer,) = change(
        "comment", "add", "--reply-to", id_, "-", "-q", input="the rate\nfell\x1b[31m"
    ).lines
    shown = change("comment", "list", ONE)
    assert [line for line in shown.lines if line.startswith("  ")] == [
        "  why here, @bo?",
        "  the rate",
        r"  fell\x1b[31m",
    ]
    assert "train/loss at 7" in shown.lines[0]
    assert f"answers {id_}" in shown.lines[2]
    assert change("comment", "list", ONE, "-q").lines == [id_, answer]
    assert change("comment", "edit", id_, "why there?").code == 0
    assert change("comment", "resolve", id_).code == 0
    assert change("comment", "list", "--resolved", "-q").lines == [id_]
    assert change("comment", "list", "--open", "-q").lines == [answer]
    assert change("comment", "reopen", id_).code == 0
    assert change("comment", "list", "--mentioning", "bo", "-q").lines == []
    assert change("comment", "list", "--since", "1h", "--metric", "train/loss", "-q").lines == [
        id_,
        answer,
    ]
    assert change("comment", "remove", id_, "--json").json["removed"]["text"] == "why there?"
    assert change("comment", "list", "-q").lines == [answer]
    report = change(
        "comment", "add", "--report", "ablation", "--part", "Results", "which", "seeds?", "--json"
    )
    assert report.json["comment"]["about"] == {
        "kind": "report",
        "id": "ablation",
        "part": "Results",
    }
    assert change("comment", "list", "--report", "ablation").lines[1:] == ["  which seeds?"]


def test_what_cannot_be_said_is_refused(change):
    assert change("comment", "add", ONE).code == 2
    assert change("comment", "add").code == 2
    assert change("comment", "add", ONE, "x", "--step", "seven", "-m", "train/loss").code == 2
    assert change("comment", "add", ONE, "x", "--step", "7").code == 2
    assert change("comment", "add", "nowhere", "x").code == 3
    assert change("comment", "remove", "nowhere").code == 3
    assert change("comment", "list", "--since", "yore").code == 2


def test_experiments_are_starred_and_pinned(change):
    assert change("star", ONE, "baseline").code == 0
    assert len(change("star", "-q").lines) == 2
    assert change("star", ONE, "--remove").code == 0
    assert [one["prefix"] for one in change("star", "--json").json["stars"]] == [
        change("show", "baseline", "--json").json["prefix"]
    ]
    assert change("pin", ONE).code == 0
    assert ONE in change("pin").out
    assert change("star", "nowhere").code == 3
    assert change("pin", "--remove").code == 2


def test_preferences_are_kept(change):
    assert change("preferences", "set", "theme", "dark").code == 0
    assert change("preferences", "set", "columns", '["name"]', "--json").json["preferences"] == {
        "theme": "dark", "columns": ["name"],
    }  # fmt: skip
    assert change("preferences").lines == ['columns = ["name"]', 'theme = "dark"']
    assert change("preferences", "clear", "theme").code == 0
    assert change("preferences", "-q").lines == ["columns"]
    assert change("preferences", "clear", "--json").json == {"preferences": {}}


def test_what_has_changed_is_told_until_it_was_seen(change):
    all_ = change("news", "--since", "2020-01-01", "--json").json
    assert all_["counts"]["created"] >= 6
    assert len(change("news", "--since", "2020-01-01", "-n", "2", "--json").json["items"]) == 2
    assert change("news", "seen").code == 0
    assert change("news", "--json").json["counts"] == {}
    change("comment", "add", ONE, "of one's own")
    change("pin", ONE)
    shown = change("news")
    assert "1 pin" in shown.lines
    assert change("news", "seen", "--until", "2021-01-01").code == 0
    assert change("news", "--json").json["counts"]["created"] >= 6


def test_news_of_an_alert_name_it(change, root):
    with Store(str(root)) as store:
        store.alerts.add("broken-run", when="ended")
        with Experiment("lab/vision/late", root=str(root), quiet=True, system_metrics=0):
            pass
        Watch(store.backend, Sender({})).step()
    assert "broken-run" in change("news").out

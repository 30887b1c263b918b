import json

REF = "alice/vision/sweep/run-0"


def test_messages_have_time_level_and_fields(run):
    outcome = run("logs", REF)
    assert outcome.code == 0
    assert "info    starting lr=0.1" in outcome.lines[0]
    assert "warning" in outcome.lines[1]


def test_level_text_and_tail_choose_messages(run):
    assert len(run("logs", REF, "--level", "warning").lines) == 1
    assert len(run("logs", REF, "--grep", "NAN").lines) == 1
    assert "careful" in run("logs", REF, "--tail", "1").out
    assert run("logs", REF, "--tail", "0").out == ""


def test_json_is_a_document_per_line(run):
    documents = [json.loads(line) for line in run("logs", REF, "--json").lines]
    assert documents[0]["message"] == "starting"
    assert documents[0]["fields"] == {"lr": 0.1}


def test_quiet_prints_the_messages_alone(run):
    assert run("logs", REF, "-q").lines == ["starting", "careful: nan near"]


def test_following_what_has_ended_prints_all_and_leaves(run):
    outcome = run("logs", REF, "-f", "-q")
    assert (outcome.code, len(outcome.lines)) == (0, 2)


def test_following_takes_the_same_choices(run):
    assert len(run("logs", REF, "-f", "--level", "warning").lines) == 1
    assert len(run("logs", REF, "-f", "--grep", "NAN").lines) == 1
    assert run("logs", REF, "-f", "-q", "--tail", "1").lines == ["careful: nan near"]


def test_escape_sequences_in_messages_are_shown_not_obeyed(change, store_root):
    from .conftest import recorded

    with recorded(store_root, "evil/one/run") as exp:
        exp.log("\x1b]0;owned\x07 hi\nsecond line")
    out = change("logs", "evil/one/run").out
    assert "\x1b" not in out
    assert "\\x1b]0;owned\\x07 hi" in out


def test_an_unknown_level_is_a_mistake(run):
    assert run("logs", REF, "--level", "loudly").code == 2
    assert run("logs", REF, "--console", "--level", "info").code == 2


def test_what_messages_do_not_have_and_the_console_has_is_said(tmp_path):
    from anew import Experiment

    from .conftest import call

    for name, console in (("a/b/printed", "on"), ("a/b/logged", "off")):
        with Experiment(name, root=tmp_path, quiet=True, system_metrics=0, console=console) as exp:
            if console == "on":
                print("needle")
            else:
                exp.log("needle")
    for name, option, other in (
        ("a/b/printed", (), "--console"),
        ("a/b/logged", ("--console",), "logs"),
    ):
        outcome = call("--root", tmp_path, "logs", name, *option)
        assert (outcome.code, outcome.out) == (0, "")
        assert other in outcome.err
        assert call("--root", tmp_path, "logs", name, *option, "-q").err == ""
    assert call("--root", tmp_path, "logs", "a/b/printed", "--console").err == ""


def test_lines_of_several_say_which_they_are_from(change, store_root):
    from .conftest import recorded

    with recorded(store_root, "many/one/run") as exp:
        exp.log("the newest")
    assert [line.split()[0] for line in change("logs", REF, "many/one/run").lines] == [
        REF, REF, "many/one/run",
    ]  # fmt: skip
    followed = change("tail", "-f", "--filter", "prefix =~ 'many|run-0'", "--json", "-n", "2").lines
    documents = [json.loads(line) for line in followed]
    assert documents[-1]["message"] == "the newest"
    assert len({one["experiment"] for one in documents}) == 2
    assert change("logs").code == 2
    assert change("logs", REF, "many/one/run", "--console").code == 2

"""What every integration begins with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import anew
from anew import Experiment, Status, session
from anew.errors import MissingDependency, NotRunning
from anew.integrations.requiring import check_choice, experiment_for, require


@pytest.fixture(autouse=True)
def _no_current(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")


def test_a_framework_that_is_away_is_told_with_the_command_that_installs_it():
    with pytest.raises(MissingDependency):
        require("no_such_thing.deep", "no-such-thing")
    assert require("json.decoder", "json").JSONDecoder


def test_a_framework_that_lacks_a_package_of_its_own_says_which(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import what_it_needs\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs") as raised:
        require("half_there", "half-there")
    assert not isinstance(raised.value, MissingDependency)


@pytest.mark.parametrize(
    ("integration", "package", "pip"),
    [
        ("accelerate", "accelerate", "accelerate"),
        ("keras", "keras", "keras"),
        ("lightning", "lightning", "lightning"),
        ("transformers", "transformers", "transformers"),
    ],
)
def test_an_integration_whose_framework_is_away_says_how_to_install_it(integration, package, pip):
    program = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Without(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        f"        if name.split('.')[0] not in ({package!r}, 'pytorch_lightning'):\n"
        "            return PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Without if f is PathFinder else f for f in sys.meta_path]\n"
        f"import anew.integrations.{integration}\n"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("anew.errors.MissingDependency")
    assert last.endswith(f"pip install {pip}")


def test_an_argument_that_is_none_of_its_choices_is_refused_with_them():
    check_choice("mode", None, (None, "min", "max"))
    with pytest.raises(ValueError):
        check_choice("mode", "up", (None, "min", "max"))


def test_what_is_suggested_counts_for_a_new_one_alone(root):
    with Experiment("block") as exp:
        assert experiment_for(None, suggested={"name": "other"}) == (exp, False)
    assert experiment_for(None, suggested={"name": "other"})[0].name == "other"
    assert experiment_for(None, suggested={"name": "other"}, name="mine")[0].name == "mine"


def test_an_experiment_handed_over_is_taken_and_not_ended():
    with Experiment("given") as exp:
        assert experiment_for(exp) == (exp, False)
        assert experiment_for(exp, name=None) == (exp, False)


def test_an_experiment_handed_over_before_its_start_is_started_and_is_ours_to_end():
    exp = Experiment("given")
    assert experiment_for(exp) == (exp, True)
    assert exp.status is Status.RUNNING


def test_an_experiment_that_has_ended_is_refused():
    with Experiment("given") as exp:
        pass
    with pytest.raises(NotRunning):
        experiment_for(exp)


def test_an_experiment_with_options_for_another_one_is_refused():
    with Experiment("given") as exp, pytest.raises(TypeError, match="tags"):
        experiment_for(exp, tags=["x"])


def test_the_running_experiment_is_found_however_it_was_opened():
    started = anew.start("started")
    assert experiment_for(None) == (started, False)
    anew.finish()
    with Experiment("block") as exp:
        assert experiment_for(None) == (exp, False)
        with Experiment("inner") as inner:
            assert experiment_for(None) == (inner, False)
        assert experiment_for(None) == (exp, False)


def test_a_disabled_experiment_is_found_too_so_that_nothing_is_recorded(root):
    with Experiment("block", mode="disabled") as exp:
        assert experiment_for(None) == (exp, False)
    assert not root.exists()


def test_with_options_a_new_one_is_opened_beside_the_running_one():
    with Experiment("outer") as outer:
        inner, owned = experiment_for(None, name="inner", tags=["x"])
        assert owned
        assert (inner.name, inner.tags) == ("inner", {"x": None})
        assert inner is not outer
        inner.run.complete()


def test_without_any_a_new_one_is_opened():
    exp, owned = experiment_for(None)
    assert owned
    assert exp.status is Status.RUNNING

"""What users of other trackers type either exists or says what to call instead."""

import re
from pathlib import Path

import pytest

import anew
from anew import Experiment
from anew.tracking.habits import ARGUMENTS, ASSIGNED, INSTEAD, missing

WANDB = ["summary", "save", "define_metric", "watch", "alert", "log_artifact", "log_image"]
MLFLOW = ["log_param", "log_params", "set_tag", "log_dict", "log_table", "log_text", "end_run"]


@pytest.fixture
def exp(tmp_path: Path) -> Experiment:
    return Experiment("a/b/c", root=str(tmp_path), quiet=True)


@pytest.mark.parametrize("name", [*WANDB, *MLFLOW])
def test_a_name_of_another_tracker_says_what_to_call(exp: Experiment, name: str) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(exp, name)
    assert raised.value.name == name
    assert "exp." in str(raised.value) or "anew" in str(raised.value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("log_metircs", "log_metrics"), ("finsh", "finish"), ("parms", "params"), ("Log", "log")],
)
def test_a_misspelt_name_suggests_the_one_that_is_there(
    exp: Experiment, typed: str, meant: str
) -> None:
    with pytest.raises(AttributeError, match=repr(meant)):
        getattr(exp, typed)


def test_a_misspelt_name_of_another_tracker_says_what_to_call(exp: Experiment) -> None:
    with pytest.raises(AttributeError, match=r"exp\.log\("):
        exp.sumary  # noqa: B018


def test_a_name_like_nothing_gets_no_suggestion(exp: Experiment) -> None:
    assert not hasattr(exp, "zzz")
    assert str(missing("It", "zzz", dir(exp))) == "It has no 'zzz'."


@pytest.mark.parametrize("name", sorted(ASSIGNED))
def test_what_a_call_sets_cannot_be_assigned(exp: Experiment, name: str) -> None:
    with pytest.raises(AttributeError) as raised:
        setattr(exp, name, "x")
    assert raised.value.name == name


def test_other_attributes_may_be_assigned(exp: Experiment) -> None:
    exp.my_own = 3
    assert exp.my_own == 3


def test_the_module_says_what_to_call_too() -> None:
    with pytest.raises(AttributeError, match=r"anew\.start"):
        anew.init  # noqa: B018
    with pytest.raises(AttributeError, match="'Experiment'"):
        anew.Experimnt  # noqa: B018


def test_every_call_that_is_named_exists(exp: Experiment) -> None:
    for hint in [*INSTEAD.values(), *ASSIGNED.values(), *ARGUMENTS.values()]:
        for name in re.findall(r"\bexp\.(\w+)", hint):
            assert hasattr(type(exp), name) or name in vars(exp) or name in ("log_metrics",)
        for name in re.findall(r"\banew\.(\w+)", hint):
            assert name in anew.__all__ or name == "dialects"


def test_every_command_that_is_named_exists() -> None:
    from anew.cli.main import cli

    for hint in [*INSTEAD.values(), *ASSIGNED.values(), *ARGUMENTS.values()]:
        for name in re.findall(r"`anew (\w+)", hint):
            assert name in cli.commands  # type: ignore[attr-defined]

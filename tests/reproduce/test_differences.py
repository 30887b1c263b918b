"""What may have made two runs different, in which order, and each thing once."""

from __future__ import annotations

from anew.reproduce.differences import InputDifference, Side, captured_differences
from anew.reproduce.judgement import Judgement
from anew.reproduce.verdict import Verdict
from anew.reproduce.words import difference_lines

CODE = {"commit": "a" * 40}


def seeds(seed, *libraries):
    return {"seed": seed, "states": {name: f"{name}-{seed}" for name in libraries}}


def told(a: Side, b: Side) -> list[tuple[str, str]]:
    return [(one.kind, one.what) for one in captured_differences(a, b)]


def test_what_was_chosen_comes_before_code_data_and_command():
    a = Side(
        {"git": CODE, "command": {"argv": ["python", "train.py"]}, "inputs": {"d": {"sha256": "1"}}},
        {"lr": 0.1}, {"width": 64},
    )  # fmt: skip
    b = Side(
        {"git": {"commit": "b" * 40}, "command": {"argv": ["python", "train.py", "--lr"]}, "inputs": {"d": {"sha256": "2"}}},
        {"lr": 0.2}, {"width": 32},
    )  # fmt: skip
    assert [kind for kind, _ in told(a, b) if kind != "seed"] == [
        "config", "params", "code", "data", "command",
    ]  # fmt: skip


def test_what_is_likely_comes_before_what_is_possible_whatever_it_is():
    a = Side({"environment": {"python": "3.11"}}, {"lr": 0.1})
    b = Side({"environment": {"python": "3.12"}}, {"lr": 0.2})
    weights = [one.weight for one in captured_differences(a, b)]
    assert weights == sorted(weights, key=["likely", "possible", "unlikely"].index)


def test_another_seed_is_one_difference_wherever_it_stands():
    a = Side({"seeds": seeds(1, "numpy", "python")}, {"seed": 1}, {"seed": 1})
    b = Side({"seeds": seeds(2, "numpy", "python")}, {"seed": 2}, {"seed": 2})
    assert [one for one in told(a, b) if one[0] != "code"] == [("config", "seed")]
    a, b = Side({"seeds": seeds(1, "numpy")}), Side({"seeds": seeds(2, "numpy")})
    assert [one for one in told(a, b) if one[0] != "code"] == [("seed", "seed")]


def test_a_seed_set_by_hand_is_not_told_as_one_that_was_never_set():
    a, b = Side({}, {"train": {"seed": 1}}), Side({}, {"train": {"seed": 2}})
    assert [one for one in told(a, b) if one[0] != "code"] == [("config", "train.seed")]
    assert ("seed", "seed") not in told(Side({}), Side({}))


def test_random_states_that_differ_with_one_seed_are_one_difference():
    a = Side({"seeds": seeds(1, "numpy", "python")})
    b = Side({"seeds": {"seed": 1, "states": {"numpy": "x", "python": "y"}}})
    assert [one for one in told(a, b) if one[0] != "code"] == [("random state", "numpy, python")]


def test_a_setting_that_is_a_parameter_and_in_the_configuration_is_told_once():
    a, b = Side({}, {"lr": 0.1}, {"lr": 0.1}), Side({}, {"lr": 0.2}, {"lr": 0.2})
    assert told(a, b).count(("config", "lr")) == 1
    assert ("params", "lr") not in told(a, b)


def test_where_nothing_came_out_differently_nothing_is_a_cause():
    def judged(verdict):
        package = InputDifference("package", "numpy", "1", "2", "likely", "PACKAGE")
        return Judgement(verdict, "", "a", "b", "x", "y", [], differences=[package])

    same, apart = (
        difference_lines(judged(Verdict.IDENTICAL)),
        difference_lines(judged(Verdict.DIVERGED)),
    )
    assert "  PACKAGE" in same
    assert "  PACKAGE" in apart
    assert same[0] != apart[0]

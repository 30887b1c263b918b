"""What a verdict rests on."""

from __future__ import annotations

import hashlib

from anew.reproduce.differences import Side, captured_differences
from anew.reproduce.evidence import evidence

PATCH = b"diff --git a/x b/x\n"


def side(commit: str = "a" * 40, patch: bytes | None = PATCH, **more: object) -> Side:
    requirements = b"numpy==2.1\n"
    captured = {
        "git": {"commit": commit, "patch": hashlib.sha256(PATCH).hexdigest()},
        "environment": {
            "python": "3.12.1", "requirements": hashlib.sha256(requirements).hexdigest()
        },
        "inputs": {"data": {"sha256": "1" * 64, "size": 3}},
        "seeds": {"seed": 1},
        "command": {"argv": ["python", "train.py"]},
        **more,
    }  # fmt: skip
    files = {"git.patch": patch, "requirements.txt": requirements}
    return Side(captured, {}, {}, files.get)


def states(a: Side, b: Side) -> dict[str, str]:
    found = evidence(a, b, captured_differences(a, b, clones=False))
    return {one.what: one.state for one in found}


def test_what_is_known_of_both_and_equal_is_the_same_and_the_rest_unknown():
    assert states(side(), side()) == {
        "code": "same", "packages": "same", "Python": "same", "data": "same", "seed": "same",
        "hardware": "unknown", "command": "same",
    }  # fmt: skip


def test_a_patch_that_is_gone_or_was_changed_proves_nothing():
    for patch in (None, b"diff --git a/x b/x\n+evil\n"):
        assert states(side(), side(patch=patch))["code"] == "unknown"


def test_data_without_a_hash_proves_nothing():
    bare = side(inputs={"data": {"size": 3}})
    assert states(bare, bare)["data"] == "unknown"
    assert states(side(inputs={}), side(inputs={}))["data"] == "unknown"


def test_what_differs_is_said_to_differ():
    other = side("b" * 40, inputs={"data": {"sha256": "2" * 64, "size": 3}}, seeds={"seed": 2})
    found = states(side(), other)
    assert {found[what] for what in ("code", "data", "seed")} == {"differs"}

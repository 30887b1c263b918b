"""Searching logs: what is found by passing over bytes is what is found by looking at every line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.journal.storage import FolderStorage
from anew.query.lines import LinesQuestion
from anew.reading.local import line_file, line_search
from anew.reading.local import lines as module
from anew.reading.local.lines import read_lines

from .test_lines import folder, message

WORDS = st.sampled_from(
    ["loss", "Loss", "LOSS 1", "\u212aelvin", "kelvin", "\u0130ce", "ice", "\u00e9t\u00e9", 'a"b', "c\\d", "", "\x1b[1m", "\u03a3x"]
)  # fmt: skip
LINES = st.lists(st.lists(WORDS, max_size=3).map(" ".join), max_size=14)
CONDITIONS = st.sampled_from(
    [
        {"contains": "LOSS"}, {"contains": "k"}, {"contains": "ice"}, {"contains": "\u00c9T\u00c9"}, {"contains": 'A"B'},
        {"contains": "\x1b[1m"}, {"contains": "\u03c3"}, {"contains": "s l"}, {"pattern": "^loss$"}, {"pattern": "(?i)LOSS( 1)?"},
        {"pattern": "[^x]*1"}, {"pattern": r"\Aloss"}, {"pattern": "\u00e9|d$"}, {"pattern": "loss.*ice"}, {"pattern": "^$"},
        {"level": "warning"}, {"level": "INFO"}, {"level": "mine"}, {"level": "error", "contains": "o"},
    ]
)  # fmt: skip
LEVELS = ("info", "warning", "Error", "mine", "debug")


def pages(where: str, **asked: object) -> list[object]:
    """All lines that are given, a page at a time, each with its place and whether it matched."""
    found: list[object] = []
    cursor = None
    backward = bool(asked.get("backward"))
    for _ in range(1000):
        answer = read_lines(
            FolderStorage(where), LinesQuestion(id="x", cursor=cursor, places=True, **asked)
        )  # type: ignore[arg-type]
        matched = answer.matched or (True,) * len(answer.messages)
        page = [*zip(answer.places, answer.messages, matched, strict=True)]
        found = [*page, *found] if backward else [*found, *page]
        cursor = answer.before if backward else answer.after
        assert 0 <= answer.left <= answer.size
        if not answer.more:
            assert answer.left == 0
            return found
    raise AssertionError("it does not come to an end")


def text_of(lines: list[str], escaped: list[bool]) -> bytes:
    found = []
    for at, line in enumerate(lines):
        level = LEVELS[at % len(LEVELS)]
        one = {"t": at, "level": level, "message": line}
        if escaped[at % len(escaped)]:  # as other programs may write it
            number = "".join(f"\\u{ord(char):04X}" for char in line)
            found.append(f'{{"level" : "{level}", "message": "{number}", "t": {at}}}\n'.encode())
            found.append(b"no message\n")
        else:
            found.append(json.dumps(one, ensure_ascii=at % 2 == 0).encode() + b"\n")
    return b"".join(found)


@given(
    LINES, CONDITIONS, st.booleans(), st.booleans(), st.integers(0, 3), st.integers(1, 4),
    st.lists(st.booleans(), min_size=1, max_size=3), st.sampled_from([30, 90, 1000]), st.sampled_from([1, 5000]), st.sampled_from([0, 2, 400]),
)  # fmt: skip
def test_what_is_passed_over_would_not_have_matched(
    tmp_path_factory, lines, asked, console, backward, context, limit, escaped, stretch, scanned, dense
):  # fmt: skip
    plain = "".join(f"{line}\n" for line in lines).encode().replace(b"Loss", b"Loss\xff")
    data = plain if console else text_of(lines, escaped)
    where = folder(tmp_path_factory.mktemp("x"), **{"train_1" if console else "logs_1": data})
    question = {"stream": "console" if console else "messages", "context": context, "limit": limit}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_search, "STRETCH", stretch)
        patch.setattr(line_search, "_DENSE", dense)
        patch.setattr(line_file, "BLOCK", 64)
        patch.setattr(module, "_SCANNED", scanned * 10)
        found = pages(where, backward=backward, **question, **asked)
        patch.setattr(module, "search_of", lambda *_, **__: None)
        every = pages(where, backward=backward, **question, **asked)
    assert [one for one in found if one[2]] == [one for one in every if one[2]]  # type: ignore[index]
    if scanned > 1:  # an answer that stops early may begin the next one without a neighbour
        assert found == every


def test_a_search_through_very_many_lines_decodes_only_those_that_may_match(tmp_path, monkeypatch):
    data = b"".join(message(n, "needle" if n % 9000 == 0 else "hay") for n in range(40_000))
    where = folder(tmp_path, logs_1=data)
    decoded: list[bytes] = []
    real = module._decoded
    monkeypatch.setattr(module, "_decoded", lambda one: decoded.append(one) or real(one))
    found = pages(where, contains="NEEDLE", context=2)
    assert sum(matched for _, _, matched in found) == 5  # type: ignore[misc]
    assert len(decoded) < 200

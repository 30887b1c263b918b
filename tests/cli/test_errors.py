import inspect
import re

import pytest

from anew import errors
from anew.cli.errors import EXIT_CODES, explain


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.QueryError("x"), 2),
        (errors.InvalidName("x"), 2),
        (errors.InvalidValue("x"), 2),
        (errors.InvalidSetting("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.Ambiguous("x"), 4),
        (errors.StillRunning("x"), 5),
        (FileExistsError(17, "exists", "x"), 5),
        (errors.CorruptData("x"), 6),
        (errors.UnknownFormat("x"), 6),
        (errors.WriteFailed("x"), 1),
        (PermissionError(13, "no", "x"), 1),
    ],
)
def test_an_error_has_its_exit_code(error, code):
    assert explain(error).code == code


def test_every_error_of_ours_is_explained():
    for name in errors.__all__:
        assert explain(getattr(errors, name)("what happened")).message == "what happened"


def test_a_candidate_is_offered_for_an_ambiguous_start():
    assert "`abcd`" in explain(errors.Ambiguous("x", candidates=["abcd", "abce"])).hint


def test_an_error_of_the_system_reads_like_one():
    assert (
        explain(PermissionError(13, "Permission denied", "/x")).message == "Permission denied: /x"
    )
    assert explain(errors.WriteFailed("the disk is full")).message == "the disk is full"


def test_what_nobody_foresaw_is_not_explained_away():
    assert explain(ZeroDivisionError()) is None


def test_the_page_and_the_codes_agree():
    import anew.cli.errors as module

    page = {int(code) for code in re.findall(r"^\| (\d+) \|", inspect.getdoc(module), re.M)}
    assert page == set(EXIT_CODES)

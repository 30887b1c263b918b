"""Keys: the rules agree with each other, and what passes is safe as a path."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.blobs.keys import check_folder, check_key, is_key
from anew.errors import InvalidName
from anew.testing.blobs import REFUSED_KEYS


@pytest.mark.parametrize("key", REFUSED_KEYS, ids=ascii)
def test_a_key_that_breaks_a_rule_is_refused_and_named(key: str):
    with pytest.raises(InvalidName) as caught:
        check_key(key)
    assert caught.value.name == key
    assert not is_key(key)


def test_what_is_no_text_is_refused():
    with pytest.raises(InvalidName):
        check_key(b"a")  # type: ignore[arg-type]


def test_no_folder_is_all_of_them():
    assert check_folder("") == ""
    assert check_folder("a/b") == "a/b"
    with pytest.raises(InvalidName):
        check_folder("../a")


@given(st.text(st.sampled_from("ab./\\~ ü\0\n-_%"), max_size=12) | st.text(max_size=40))
def test_a_key_that_passes_stays_below_its_root(key: str):
    if not is_key(key):
        return
    path = os.path.normpath(os.path.join("/root/of/blobs", key))
    assert path == f"/root/of/blobs/{key}"
    assert check_key(key) == key

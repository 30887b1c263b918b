"""How far an experiment has come elsewhere, where the files that say so are not what they should be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anew.errors import CorruptData
from anew.forwarding.progress import read_all

NAME = "forwarded/mlflow.00000000.jsonl"


@pytest.fixture
def at(tmp_path: Path) -> Path:
    (tmp_path / "forwarded").mkdir()
    return tmp_path / NAME


def test_a_pipe_is_not_waited_for(tmp_path, at):
    os.mkfifo(at)
    with pytest.raises(CorruptData):
        read_all(str(tmp_path))


def test_a_link_is_not_followed(tmp_path, at):
    (tmp_path / "elsewhere").write_text('{"k":"forwarded","t":1}\n')
    at.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptData):
        read_all(str(tmp_path))


def test_lines_that_are_nested_without_end_are_damage(tmp_path, at):
    at.write_text("[" * 100_000 + "\n")
    with pytest.raises(CorruptData):
        read_all(str(tmp_path))


def test_a_file_that_has_become_a_hole_of_gigabytes_says_nothing(tmp_path, at):
    at.write_bytes(b"")
    os.truncate(at, 4 << 30)
    assert read_all(str(tmp_path)) == {}


def test_a_file_where_the_folder_should_be_is_no_progress(tmp_path):
    (tmp_path / "forwarded").write_text("")
    assert read_all(str(tmp_path)) == {}

"""Files on their way, and what a killed process leaves of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from anew.blobs import drafts
from anew.blobs.drafts import leftovers, open_draft, remove_leftover


def test_a_draft_is_no_leftover_while_it_is_written_and_goes_if_nobody_takes_it(
    tmp_path: Path,
) -> None:
    with open_draft(str(tmp_path)) as (file, path):
        file.write(b"half")
        os.link(path, f"{path}.twin")
        assert list(leftovers(str(tmp_path))) == []
        assert not remove_leftover(path)
        assert not remove_leftover(f"{path}.twin")
    assert os.listdir(tmp_path) == [os.path.basename(path) + ".twin"]
    assert list(leftovers(str(tmp_path))) == [f"{path}.twin"]
    assert remove_leftover(f"{path}.twin")
    assert not remove_leftover(f"{path}.twin")
    assert os.listdir(tmp_path) == []


def test_without_locks_a_draft_is_left_over_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "_lock", lambda fd: None)
    with open_draft(str(tmp_path)) as (_, path):
        assert not remove_leftover(path)
        later = time.time() + 90_000
        monkeypatch.setattr(time, "time", lambda: later)
        assert list(leftovers(str(tmp_path))) == [path]
        assert remove_leftover(path)


def test_a_draft_that_is_looked_at_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = drafts._lock
    looked: list[Path] = []

    def first_taken(fd: int) -> bool | None:
        if not looked:
            looked.extend(tmp_path.iterdir())
            looked[0].unlink()
        return real(fd)

    monkeypatch.setattr(drafts, "_lock", first_taken)
    with open_draft(str(tmp_path)) as (_, path):
        assert Path(path).exists()
        assert Path(path) not in looked


def test_what_is_no_file_is_no_leftover(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    folder = tmp_path / "tmp"
    folder.mkdir()
    (folder / "link.part").symlink_to(outside)
    (folder / "folder.part").mkdir()
    os.mkfifo(folder / "fifo.part")
    assert list(leftovers(str(folder))) == []
    assert not any(remove_leftover(str(path)) for path in folder.iterdir())
    assert list(leftovers(str(tmp_path / "absent"))) == []

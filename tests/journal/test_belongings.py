"""Which files belong to one of several experiments in a folder."""

from __future__ import annotations

from pathlib import Path

from anew.journal.belongings import files_of
from anew.journal.storage import Share
from tests.stores.journals import Journal

ONE, TWO = "0001-main-aaaa", "0001-main-bbbb"


def test_what_an_experiment_logged_is_its_own_and_nothing_outside_of_the_folder(
    tmp_path: Path,
) -> None:
    first = Journal(tmp_path, "p/run").opened(ONE, prefix="p/run")
    second = Journal(tmp_path, "p/run", t=first.t + 100).opened(TWO, prefix="p/run")
    folder = Path(first.layout.folder)
    (tmp_path / "secret").write_text("x")
    (folder / "files" / "id").mkdir(parents=True)
    (folder / "files" / "id" / "w.bin").write_text("w")
    (folder / "files" / "link").symlink_to(tmp_path / "secret")
    about = {"prefix": "", "size": 1, "hash": "0"}
    for path in (
        "files/id/w.bin",
        "files/../../../secret",
        "files/link",
        "/etc/hostname",
        "journal/x",
    ):
        second.event("file", TWO, file_id=path, name=path, path=path, **about)
    mine = [
        Path(p).relative_to(folder).as_posix()
        for p in files_of(str(folder), Share(frozenset({TWO})))
    ]
    assert mine == ["files/id/w.bin", f"journal/{TWO}.jsonl"]
    others = files_of(str(folder), Share(frozenset({TWO}), all_but=True))
    assert [Path(p).name for p in others] == [f"{ONE}.jsonl"]

"""Which experiment is meant, and who was first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from anew.errors import InvalidName
from anew.journal.layout import RootLayout
from anew.tracking.documents import claim_identity, iso_time, read_identity
from anew.tracking.identity import find_by_id, named


def test_of_many_that_open_a_folder_at_once_exactly_one_names_it(tmp_path: Path) -> None:
    for attempt in range(20):
        path = str(tmp_path / f"{attempt}.json")
        results: list[str] = []
        gate = threading.Barrier(8)

        def claim(
            name: str, path: str = path, gate: threading.Barrier = gate, out: list[str] = results
        ) -> None:
            gate.wait()
            found = claim_identity(path, {"experiment_id": name})
            out.append(found["experiment_id"] if found else name)

        threads = [threading.Thread(target=claim, args=(f"id{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(results)) == 1
        assert read_identity(path) == {"experiment_id": results[0]}
    assert not list(tmp_path.glob("*.tmp"))


def test_a_slash_makes_a_prefix_and_none_makes_a_name(tmp_path: Path) -> None:
    root = RootLayout(str(tmp_path))
    prefix = named(root, "a/b", project=None).place([], "id", "o")
    assert (prefix.prefix, prefix.name) == ("a/b", "b")
    said = named(root, "solo", project=None, is_prefix=True).place([], "id", "o")
    assert (said.prefix, said.name) == ("solo", "solo")
    name = named(root, "my run: 1?", project="p").place([], "id", "o")
    assert (name.name, name.prefix) == ("my run: 1?", "p/my run- 1-id")


@pytest.mark.parametrize("prefix", ["a/b~2", "a/b~1", "b~12"])
def test_a_prefix_that_ends_in_a_number_of_ours_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(InvalidName):
        named(RootLayout(str(tmp_path)), prefix, project=None, is_prefix=True)


def test_what_is_there_of_a_prefix_is_found_newest_first_and_nothing_else(tmp_path: Path) -> None:
    root = RootLayout(str(tmp_path))
    for name in ("b", "b~2", "b~10", "b~x", "b~02", "bb", "b~3"):
        folder = tmp_path / "a" / name
        folder.mkdir(parents=True)
        if name != "b~3":  # a folder that is no experiment
            claim_identity(str(folder / "metadata.json"), {"experiment_id": f"id of {name}"})
    known = named(root, "a/b", project=None).known()
    assert [one.prefix for one in known] == ["a/b~10", "a/b~2", "a/b"]
    assert known[0].id == "id of b~10"
    assert named(root, "a/b", project=None).place(known, "x", "o").prefix == "a/b~11"


def test_an_experiment_is_found_by_its_id_wherever_it_lies(tmp_path: Path) -> None:
    root = RootLayout(str(tmp_path))
    assert find_by_id(root, "gone") is None
    (tmp_path / "x" / "y" / "journal").mkdir(parents=True)
    claim_identity(str(tmp_path / "x" / "y" / "metadata.json"), {"experiment_id": "here"})
    found = find_by_id(root, "here")
    assert found is not None
    assert found.prefix == "x/y"


def test_times_are_written_in_utc_to_the_millisecond() -> None:
    assert iso_time(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(1795266963.9996) == "2026-11-21T13:16:04.000Z"
    assert iso_time(None) is None

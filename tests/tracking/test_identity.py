"""Which experiment is meant, and who was first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from anew.journal.layout import RootLayout
from anew.tracking.documents import claim_identity, iso_time, read_identity
from anew.tracking.identity import find_place, launch_token


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
    prefix = find_place(root, "a/b", project=None, launch="", ordinal=0)
    assert (prefix.prefix, prefix.name, prefix.experiment_id) == ("a/b", "b", None)
    said = find_place(root, "solo", project=None, launch="", ordinal=0, is_prefix=True)
    assert (said.prefix, said.name, said.experiment_id) == ("solo", "solo", None)
    name = find_place(root, "my run: 1?", project="p", launch="", ordinal=0)
    assert name.name == "my run: 1?"
    assert name.prefix == f"p/my run- 1-{name.experiment_id}"


SLURM = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (SLURM, SLURM, True),
        (SLURM, {**SLURM, "SLURM_STEP_ID": "1"}, False),
        (SLURM, {**SLURM, "SLURM_RESTART_COUNT": "1"}, False),
        ({"TORCHELASTIC_RUN_ID": "x"}, {"TORCHELASTIC_RUN_ID": "x"}, True),
        (
            {"TORCHELASTIC_RUN_ID": "x"},
            {"TORCHELASTIC_RUN_ID": "x", "TORCHELASTIC_RESTART_COUNT": "1"},
            False,
        ),
        ({}, {}, True),  # started by one parent on one machine
        (
            {"LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "n1", "MASTER_PORT": "1"},
            {"LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "n1", "MASTER_PORT": "2"},
            False,
        ),
    ],
)
def test_ranks_of_one_launch_have_a_token_in_common(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    assert (launch_token(one, "", 4) == launch_token(other, "", 4)) is same
    assert launch_token(one, "", 1) == ""
    assert launch_token(one, "mine", 4) == "given:mine"


def test_ranks_derive_the_same_id_and_later_openings_another(tmp_path: Path) -> None:
    root = RootLayout(str(tmp_path))
    ids = [
        find_place(root, "x", project=None, launch="slurm:1", ordinal=n).experiment_id
        for n in (0, 0, 1)
    ]
    assert ids[0] == ids[1] != ids[2]


def test_times_are_written_in_utc_to_the_millisecond() -> None:
    assert iso_time(0.0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(1795266963.9996) == "2026-11-21T13:16:04.000Z"
    assert iso_time(None) is None

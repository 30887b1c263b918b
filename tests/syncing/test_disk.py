"""Whether a disk stays when the job or the container ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.syncing.disk import why_lost

MOUNTS = """overlay / overlay rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
/dev/sda1 /data ext4 rw 0 0
nas:/home /home nfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
"""


@pytest.fixture
def system(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "mounts").write_text(MOUNTS)
    return {"mounts": str(tmp_path / "mounts"), "top": str(tmp_path)}


def test_on_a_machine_of_ones_own_every_disk_stays(system: dict[str, str]) -> None:
    for folder in ("/home/me/experiments", "/data/runs", "/tmp/runs", "/srv/runs"):
        assert why_lost(folder, {}, **system) == ""


def test_in_a_container_what_is_mounted_into_it_stays(
    system: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / ".dockerenv").touch()
    assert why_lost("/srv/runs", {}, **system)
    assert why_lost("/tmp/runs", {}, **system)
    assert why_lost("/data/runs", {}, **system) == ""
    assert why_lost("/home/me/runs", {}, **system) == ""


def test_a_pod_and_other_containers_are_known_by_their_variables(system: dict[str, str]) -> None:
    for variable in ("KUBERNETES_SERVICE_HOST", "APPTAINER_CONTAINER", "container"):
        assert why_lost("/srv/runs", {variable: "x"}, **system)
        assert why_lost("/data/runs", {variable: "x"}, **system) == ""


def test_what_a_scheduler_makes_for_a_job_goes_with_the_job(system: dict[str, str]) -> None:
    job = {"SLURM_JOB_ID": "4711"}
    assert why_lost("/tmp/runs", job, **system)  # in memory
    assert why_lost("/data/runs", job, **system) == ""
    assert why_lost("/data/job/runs", job | {"SLURM_TMPDIR": "/data/job"}, **system)
    assert why_lost("/data/4711/runs", job | {"TMPDIR": "/data/4711"}, **system)
    assert why_lost("/data/mine/runs", job | {"TMPDIR": "/data/mine"}, **system) == ""
    assert why_lost("/data/jobs/runs", job | {"SLURM_TMPDIR": "/data/job"}, **system) == ""


def test_where_nothing_is_known_of_the_mounts_nothing_is_claimed(tmp_path: Path) -> None:
    assert (
        why_lost("/srv", {"container": "x"}, mounts=str(tmp_path / "none"), top=str(tmp_path)) == ""
    )

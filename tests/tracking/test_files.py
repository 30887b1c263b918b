"""Files kept with an experiment: their names, what they come from, and file systems that refuse something."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.errors import InvalidName, InvalidValue
from anew.record.events import FileLogged

from .reading import events


def opened(root: Path, name: str = "alice/vision/resnet", **options: Any) -> Experiment:
    return Experiment(name, root=root, **{"console": "off", "system_metrics": 0, **options})


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_files_are_copied_hashed_and_never_overwritten(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(os.urandom(3_000_000))
    with opened(root) as exp:
        first = exp.files("models").save(source)
        source.write_bytes(b"second")
        second = exp.files("models").save(source, step=9, metadata={"best": True})
        exp.files("notes").save({"a": math.inf}, "a.json")
        folder = tmp_path / "many"
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "x").write_text("x")
        several = exp.files().save(folder)
        assert not isinstance(first, list)
        assert not isinstance(second, list)
        assert Path(first.path).stat().st_size == 3_000_000
        assert Path(second.path).read_bytes() == b"second"
        exp.files("models").download("model.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"second"
    assert [f.name for f in several] == ["many/sub/x"]  # type: ignore[union-attr]
    logged = [e for _, e in events(exp.folder) if isinstance(e, FileLogged)]
    assert [(e.name, e.size, e.step) for e in logged][:2] == [
        ("model.bin", 3_000_000, None),
        ("model.bin", 6, 9),
    ]
    assert all((Path(exp.folder) / e.path).is_file() for e in logged)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "\0", "a//b"])
def test_a_file_name_that_leads_outside_is_refused(root: Path, name: str) -> None:
    with opened(root) as exp:
        with pytest.raises(InvalidName):
            exp.files().save(b"x", name)
        with pytest.raises(InvalidName):
            exp.files(name)


def test_a_missing_file_is_an_error_that_names_it(root: Path) -> None:
    with opened(root) as exp, pytest.raises(FileNotFoundError):
        exp.files().save("model.pth")


ODD = (
    ".gitattributes", ".hydra/config.yaml", "2026-01-01T10:00:00.log", "aux.pt", "trailing.", " space ",
    "new\nline", "e\u0301", "y" * 250, "back\\slash",
)  # fmt: skip


def test_every_name_is_kept_and_read_back(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for name in ODD:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    with opened(root) as exp:
        whole = exp.files().save(folder)
        for name in ODD:
            exp.files(".prefix/10:00").save(folder / name, name)
    assert isinstance(whole, list)
    assert sorted(file.name for file in whole) == sorted(f"out/{name}" for name in ODD)
    with Store(root) as store:
        files = store[exp.id].files
        assert len(files) == 2 * len(ODD)
        for file in files:
            assert file.read_text() == file.name.removeprefix("out/")
            assert file.path.is_relative_to(exp.folder)
        files[0].save(tmp_path / "back")
    assert (tmp_path / "back").read_text() in ODD


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (".env", "DB_PASSWORD=hunter2hunter2\n", True),
        ("deploy.yaml", "url: postgresql://bob:s3cr3tpass@host/db\n", True),
        ("train.py", "client = login(token='ghp_" + "a1B2" * 9 + "')\n", True),
        ("train.py", "token = tokenizer(text)\npad_token = 0\n", False),
        ("config.yaml", "lr: 0.1\nmax_tokens: 100\n", False),
    ],
)
def test_a_given_file_with_a_secret_is_kept_as_it_is_and_told(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, text: str, told: bool
) -> None:
    (tmp_path / name).write_text(text)
    with opened(root) as exp:
        capfd.readouterr()
        kept = exp.files().save(tmp_path / name)
        assert (repr(name) in capfd.readouterr().err) is told
        assert Path(kept.path).read_text() == text
        masked = exp.files().save_text(text, "copy.txt", masked=True)
        assert "hunter2" not in Path(masked.path).read_text()
        assert "s3cr3tpass" not in Path(masked.path).read_text()


def test_a_name_of_undecodable_bytes_is_kept_escaped(root: Path, tmp_path: Path) -> None:
    source = os.fsencode(tmp_path) + b"/\xff.bin"
    Path(os.fsdecode(source)).write_bytes(b"x")
    with opened(root) as exp:
        exp.files().save(os.fsdecode(source))
    with Store(root) as store:
        [file] = store[exp.id].files
        assert (file.name, file.read_bytes()) == ("\\udcff.bin", b"x")


def test_linked_folders_are_followed_and_what_is_left_out_is_counted_and_told(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, real = tmp_path / "out", tmp_path / "real"
    (folder / "sub").mkdir(parents=True)
    real.mkdir()
    (folder / "a.bin").write_text("a")
    (real / "w.bin").write_text("w")
    (folder / "linked").symlink_to(real)
    (folder / "sub" / "file").symlink_to(real / "w.bin")
    (folder / "sub" / "around").symlink_to(folder)
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    with opened(root) as exp:
        saved = exp.files().save(folder)
        assert exp.lost == 3
    assert isinstance(saved, list)
    assert [f.name for f in saved] == ["out/a.bin", "out/linked/w.bin", "out/sub/file"]
    said = capfd.readouterr().err
    assert all(name in said for name in ("around", "dangling", "pipe"))


def test_a_folder_that_holds_the_experiment_is_kept_without_it(root: Path, tmp_path: Path) -> None:
    with opened(tmp_path) as exp:
        (tmp_path / "x").write_text("x")
        saved = exp.files().save(tmp_path, "all")
        assert isinstance(saved, list)
        assert "all/x" in [f.name for f in saved]
        assert not [f for f in saved if "alice" in f.name]


def test_everything_is_checked_before_anything_is_kept(root: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with opened(root) as exp:
        for call in (
            lambda: exp.files().save({"a": object()}, "a.json"),
            lambda: exp.files().save({"a": 1}, "../a.json"),
            lambda: exp.files().save(tmp_path, "../out"),
            lambda: exp.files().save(tmp_path / "pipe"),
            lambda: exp.files().save(object(), "x"),
        ):
            with pytest.raises((InvalidValue, InvalidName)):
                call()
        assert not Path(exp.folder, "files").exists()


def test_a_file_that_vanishes_while_a_folder_is_kept_is_counted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anew.tracking.files as module

    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    walk = module._walk

    def then_remove(at: str, skip: str) -> Any:
        found = walk(at, skip)
        (folder / "a").unlink()
        return found

    monkeypatch.setattr(module, "_walk", then_remove)
    with opened(root) as exp:
        saved = exp.files().save(folder, "all")
        assert exp.lost == 1
    assert isinstance(saved, list)
    assert [bool(file) for file in saved] == [False, True]


@pytest.mark.parametrize("refused", [("chmod",), ("link",), ("utime",), ("chmod", "link", "utime")])
def test_a_file_system_without_permissions_links_or_times_keeps_everything(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...]
) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(b"x" * 1000)
    for name in refused:
        monkeypatch.setattr(os, name, refuse)
    with opened(root) as exp:
        assert exp.files("models").save(source)
        exp.log_metric("loss", 1.0)
    assert exp.lost == 0
    with Store(root) as store:
        view = store[exp.id]
        assert view.captured.get("problems") is None
        view.files[0].save(tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("text", [5, b"bytes", None, {"a": 1}])
def test_what_is_no_text_is_refused_as_one(root: Path, text: Any) -> None:
    with opened(root) as exp, pytest.raises(InvalidValue):
        exp.files().save_text(text, "a.txt")


def test_a_name_that_is_no_text_is_refused(root: Path) -> None:
    with opened(root) as exp, pytest.raises(InvalidName):
        exp.files().save(b"x", 5)  # type: ignore[arg-type]

"""Settings: where they come from, in which order, and how a mistake is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anew.errors import InvalidSetting
from anew.settings import FOUND, SETTINGS, load_settings


def test_defaults_without_anything_set(tmp_path: Path) -> None:
    settings = load_settings({}, str(tmp_path))
    assert settings.root == str(tmp_path / "experiments")
    assert settings.mode == "on"
    assert not settings.strict
    assert settings.heartbeat == 10.0


def test_argument_before_environment_before_project_before_user(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    (home / "anew").mkdir(parents=True)
    (home / "anew" / "config.toml").write_text(
        'user = "home"\nquiet = true\nheartbeat = 1\nfsync = 1\n'
    )
    (project / "deep").mkdir(parents=True)
    (project / "anew.toml").write_text("quiet = false\nheartbeat = 2\nfsync = 2\n")
    environ = {"XDG_CONFIG_HOME": str(home), "ANEW_HEARTBEAT": "3", "ANEW_FSYNC": "3"}
    settings = load_settings(environ, str(project / "deep")).with_arguments(fsync=4, strict=None)
    assert (settings.user, settings.quiet, settings.heartbeat, settings.fsync) == (
        "home",
        False,
        3.0,
        4.0,
    )
    assert settings.sources == {
        "user": str(home / "anew" / "config.toml"),
        "quiet": str(project / "anew.toml"),
        "heartbeat": "ANEW_HEARTBEAT",
        "fsync": "argument",
    }


def test_a_table_in_pyproject_counts_and_its_root_is_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.anew]\nroot = "runs"\n')
    assert load_settings({}, str(tmp_path / "src")).root == str(tmp_path / "runs")


def test_somebody_elses_broken_pyproject_is_not_ours_to_report(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.anew\n")
    assert load_settings({}, str(tmp_path)).root == str(tmp_path / "experiments")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ANEW_STRICT", "perhaps"),
        ("ANEW_MODE", "offline"),
        ("ANEW_HEARTBEAT", "-1"),
        ("ANEW_HEARTBEAT", "nan"),
        ("ANEW_HEARTBEAT", "soon"),
    ],
)
def test_a_value_it_cannot_have_is_an_error_that_says_where_it_was_set(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(InvalidSetting, match=variable) as caught:
        load_settings({variable: value}, str(tmp_path))
    assert value in str(caught.value)


def test_a_misspelt_setting_in_a_file_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "anew.toml").write_text("hearbeat = 3\n")
    with pytest.raises(InvalidSetting, match="'heartbeat'"):
        load_settings({}, str(tmp_path))


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "anew.toml").write_text("= 3\n")
    with pytest.raises(InvalidSetting):
        load_settings({}, str(tmp_path))


def test_every_setting_has_a_meaning_and_a_default_it_accepts() -> None:
    for setting in SETTINGS:
        assert setting.meaning.endswith(".")
        assert setting.parse(setting.default) == setting.default


def store_at(folder: Path) -> Path:
    """What a store looks like from outside."""
    (folder / ".anew").mkdir(parents=True)
    return folder


def found_from(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(load_settings({}, str(folder)).root)


def test_the_store_is_found_upwards_and_the_nearest_one_wins(tmp_path: Path) -> None:
    store = store_at(tmp_path / "project" / "experiments")
    assert found_from(tmp_path / "project") == store
    assert found_from(tmp_path / "project" / "src" / "models") == store
    nearer = store_at(tmp_path / "project" / "src" / "experiments")
    assert found_from(tmp_path / "project" / "src" / "models") == nearer


def test_a_store_is_found_from_within_it(tmp_path: Path) -> None:
    store = store_at(tmp_path / "runs")
    assert found_from(store / "alice" / "vision") == store


def test_a_folder_called_experiments_that_is_no_store_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    assert found_from(tmp_path / "src") == tmp_path / "src" / "experiments"


def test_the_search_ends_at_the_top_of_a_repository(tmp_path: Path) -> None:
    store_at(tmp_path / "experiments")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    assert found_from(tmp_path / "repository" / "src").parent == tmp_path / "repository" / "src"
    store = store_at(tmp_path / "repository" / "experiments")
    assert found_from(tmp_path / "repository" / "src") == store


def test_the_search_ends_at_the_home_folder(tmp_path: Path, monkeypatch) -> None:
    store_at(tmp_path / "experiments")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert found_from(tmp_path / "home" / "work") == tmp_path / "home" / "work" / "experiments"


def test_a_store_in_a_folder_that_anyone_may_write_to_is_not_found_from_below(
    tmp_path: Path,
) -> None:
    open_to_all = tmp_path / "tmp"
    store = store_at(open_to_all / "experiments")
    open_to_all.chmod(0o1777)
    assert found_from(open_to_all / "mine") == open_to_all / "mine" / "experiments"
    assert found_from(open_to_all) == store


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders away")
def test_a_store_in_somebody_elses_folder_is_not_found_from_below(tmp_path: Path) -> None:
    store_at(tmp_path / "theirs" / "experiments")
    os.chown(tmp_path / "theirs", 12345, 12345)
    mine = tmp_path / "theirs" / "mine"
    assert found_from(mine) == mine / "experiments"


def test_what_is_set_wins_over_what_is_found(tmp_path: Path) -> None:
    store_at(tmp_path / "experiments")
    below = tmp_path / "src"
    below.mkdir()
    assert load_settings({"ANEW_ROOT": "runs"}, str(below)).root == str(below / "runs")
    (tmp_path / "anew.toml").write_text('root = "elsewhere"\n')
    assert load_settings({}, str(below)).root == str(tmp_path / "elsewhere")


def test_only_a_root_found_above_the_working_directory_is_called_found(tmp_path: Path) -> None:
    store_at(tmp_path / "experiments")
    (tmp_path / "src").mkdir()
    assert load_settings({}, str(tmp_path / "src")).sources["root"] == FOUND
    assert "root" not in load_settings({}, str(tmp_path)).sources

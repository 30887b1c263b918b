"""YAML and JSON of anybody are plain data, and take no more memory and time than their size allows for."""

from __future__ import annotations

import pytest
import yaml

from anew.importing.documents import read_json, read_yaml, yaml_of

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{one}: &{one} [{', '.join([f'*{above}'] * 9)}]\n"
    for above, one in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("version", [(1, 1), (1, 2)])
@pytest.mark.parametrize("text", [BOMB, "[" * 50_000, "- " * 5_000 + "x", "&a [*a]", "a: [", "{a: 1}: [}", "\x80"])  # fmt: skip
def test_what_grows_nests_or_is_no_yaml_is_refused(text, version):
    with pytest.raises(ValueError):
        yaml_of(text, version=version)


def test_classes_and_functions_are_not_made():
    text = "!!python/object/apply:os.system ['touch harmed']"
    assert yaml_of(text) == yaml_of(text, version=(1, 1)) == ["touch harmed"]


def test_each_version_of_yaml_reads_what_was_written_by_it():
    said = {"name": "1e5", "on": "yes", "lr": 1e-05, "none": None, "list": [1, "2", 3.0], "ü": True}
    assert yaml_of(yaml.safe_dump(said), version=(1, 1)) == said
    assert yaml_of("a: 1e-05\nb: yes\nc: 0o17\nd: .inf") == {"a": 1e-05, "b": "yes", "c": 15, "d": float("inf")}  # fmt: skip


def test_files_that_are_too_large_are_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("a: " + "x" * 1000)
    assert read_yaml(str(tmp_path / "a.yaml"))
    with pytest.raises(ValueError):
        read_yaml(str(tmp_path / "a.yaml"), most=100)
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(ValueError):
        read_json(str(tmp_path / "a.json"))

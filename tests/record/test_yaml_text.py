"""YAML that would end the process or fill its memory, at each place that reads YAML."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from anew.errors import InvalidValue
from anew.importing.documents import yaml_of
from anew.reading.saved_views import read_yaml
from anew.record.yaml_text import load_guarded
from anew.tracking.config import freeze
from anew.tracking.config_text import load_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 9)
)
HARMFUL = {
    "brackets": "a: " + "[" * 30_000 + "]" * 30_000,
    "braces": "a: " + "{a: " * 30_000 + "1" + "}" * 30_000,
    "lines": "a:\n  " + "- " * 30_000 + "1",
    "names": BOMB,
    "itself": "a: &a [*a]",
}
READERS: dict[str, Callable[[str], object]] = {
    "importers": yaml_of, "views": read_yaml, "configurations": load_yaml,
    "the guarded loader": lambda text: load_guarded(text, yaml.SafeLoader),
}  # fmt: skip


@pytest.mark.parametrize("what", HARMFUL)
@pytest.mark.parametrize("reader", READERS)
def test_what_would_harm_is_refused(reader, what):
    with pytest.raises((ValueError, InvalidValue)):
        READERS[reader](HARMFUL[what][:9_000] if reader == "views" else HARMFUL[what])


def test_a_configuration_of_brackets_is_an_error_that_names_its_file(tmp_path):
    (tmp_path / "deep.yaml").write_text(HARMFUL["brackets"])
    with pytest.raises(InvalidValue, match=r"deep\.yaml"):
        freeze(str(tmp_path / "deep.yaml"))


@pytest.mark.parametrize("reader", READERS)
def test_what_people_write_is_read(reader):
    assert READERS[reader]("a: {b: [1, [2, 3]]}\n") == {"a": {"b": [1, [2, 3]]}}


def test_a_part_may_be_named_again_but_in_a_view():
    assert load_yaml("a: &x [1]\nb: *x\n") == {"a": [1], "b": [1]}
    with pytest.raises(InvalidValue):
        read_yaml("a: &x [1]\nb: *x\n")

"""The documentation's reference leaves nothing out. (What the pages show is run in `docs/`.)"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest

import anew.forwarders
import anew.html_file
import anew.plots
import anew.weights
from anew import errors
from anew.cli.main import cli
from anew.server.table import ROUTES
from anew.settings import SETTINGS
from pages import blocks, program, shell_lines

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The generated reference, page by page."""
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, DOCS / "generate.py", folder], check=True)
    return {page.stem: page.read_text() for page in folder.glob("*.md")}


def headings(page: str) -> set[str]:
    """The headings of a page, as they are written."""
    return {line.lstrip("#").strip() for line in page.splitlines() if line.startswith("#")}


def test_every_public_name_is_in_the_reference(reference):
    written = set().union(*(headings(page) for page in reference.values()))
    packages = (anew, anew.plots, anew.html_file, anew.printing, anew.weights, anew.forwarders)
    public = {name for package in packages for name in package.__all__}
    assert {name for name in public if not name.startswith("__")} <= written


def test_every_integration_is_in_the_reference_with_its_names(reference):
    found = {}
    for path in sorted((REPOSITORY / "src" / "anew" / "integrations").glob("*.py")):
        # What has an example of its own is for users; the rest is what these share.
        if (REPOSITORY / "examples" / f"with_{path.stem}.py").exists():
            names = re.search(r"^__all__ = \[(.*?)\]", path.read_text(), re.M | re.S).group(1)
            found[path.stem] = re.findall(r'"(\w+)"', names)
    assert len(found) == 12
    for module, names in found.items():
        for name in names:
            assert f"anew.integrations.{module}.{name}" in reference["api-integrations"]


def test_every_error_is_in_the_reference_and_in_the_tree_at_its_top(reference):
    page = reference["errors"]
    assert set(errors.__all__) <= headings(page)
    for name in errors.__all__:
        assert re.search(rf"\b{name}\b", (errors.__doc__ or "").partition("Each also")[0])


def test_every_setting_is_in_the_reference_with_its_variable(reference):
    page = reference["settings"]
    for setting in SETTINGS:
        assert setting.name in headings(page)
        assert f"`{setting.variable}`" in page


def test_every_route_of_the_server_is_in_the_reference_with_its_fields(reference):
    page = reference["http"]
    for route in (one for one in ROUTES if not one.foreign):
        heading = f"{route.method} {route.path.replace(':path}', '}')}"
        assert heading in headings(page)
        section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
        if "/ask/" not in route.path:
            for field in msgspec.structs.fields(route.question):
                assert f"`{field.name}`" in section, f"{heading} {field.name}"


def commands(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            if not below.hidden:
                found += commands(below, f"{path} {name}")
    return found


def test_every_command_and_option_is_in_the_reference(reference):
    page = reference["cli"]
    for path, command in commands(cli, "anew")[1:]:
        assert f"\n## {path}\n" in page
        section = page.partition(f"\n## {path}\n")[2].partition("\n## ")[0]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                for spelling in parameter.opts:
                    if spelling != "--help":
                        assert f"`{spelling}`" in section, f"{path} {spelling}"


def test_everything_in_the_public_reference_says_what_it_is_for():
    for name in anew.__all__:
        if not name.startswith("__"):
            assert (getattr(anew, name).__doc__ or "").strip(), name
    for path, command in commands(cli, "anew"):
        assert (command.help or "").strip(), path
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert (parameter.help or "").strip(), f"{path} {parameter.opts[0]}"


def test_every_command_shown_anywhere_exists():
    known = {path for path, _ in commands(cli, "anew")}
    for page in [REPOSITORY / "README.md", *DOCS.rglob("*.md")]:
        if {"_build", "generated"} & set(page.parts):
            continue
        for name in re.findall(r"`anew ([a-z]+)\b", page.read_text()):
            assert f"anew {name}" in known, f"{page.relative_to(REPOSITORY)}: anew {name}"


def test_blocks_are_found_with_the_lines_they_stand_on():
    page = (
        "# Title\n\n```python\nprint(1)\n```\n\n```text\nnot code\n```\n\n"
        "```{code-block} python\n:caption: train.py\n\nprint(2)\n```\n\n"
        "::::{tab-set}\n:::{tab-item} A\n```sh\n$ anew list \\\n    --json\n# no\n```\n:::\n::::\n"
    )
    python, file, shell = blocks(page)
    assert (python.kind, python.text, python.line) == ("python", "print(1)\n", 4)
    assert (file.kind, file.text, file.name) == ("file", "print(2)\n", "train.py")
    assert shell_lines(shell.text) == ["anew list --json"]
    assert page.splitlines()[shell.line - 1] == "$ anew list \\"


def test_the_program_of_a_line_stands_behind_its_variables():
    assert program("RANK=1 WORLD_SIZE=2 python train.py --lr=3") == "python"
    assert program("anew list name=x") == "anew"

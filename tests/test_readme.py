"""README and the other pages at the top: what they name is there. (Their code runs in `docs/`.)"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
PAGES = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted(
        page
        for page in (REPOSITORY / "docs").rglob("*.md")
        if not {"generated", "_build"} & set(page.parts)
    ),
]


def targets() -> set[str]:
    """The targets that `make` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def test_every_link_to_a_file_leads_to_one():
    astray = []
    for page in PAGES:
        text = re.sub(r"^(`{3,}).*?^\1", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            elsewhere = re.match(r"[a-z]+:", target) or "generated/" in target
            if not elsewhere and not (page.parent / target).exists():
                astray.append(f"{page.relative_to(REPOSITORY)}: {target}")
    assert not astray


def test_every_make_target_named_exists():
    known = targets()
    unknown = {}
    for page in PAGES:
        named = re.findall(r"(?:`make |^make (?=[a-z-]+$))([a-z-]+)", page.read_text(), re.M)
        unknown[str(page)] = sorted({*named} - known)
    assert not {page: names for page, names in unknown.items() if names}


def test_readme_names_the_two_commands_everybody_needs():
    assert {"demo", "test"} <= set(
        re.findall(r"^make ([a-z-]+)$", README.read_text(), re.MULTILINE)
    )


def test_the_pictures_of_the_pages_are_there_small_and_fetch_nothing():
    shown = set(re.findall(r'(?:src|srcset)="([^"]+)"|!\[[^\]]*\]\(([^)]+)\)', README.read_text()))
    names = {name for pair in shown for name in pair if name}
    assert names
    for name in names:
        picture = REPOSITORY / name
        assert picture.stat().st_size < 200_000
        if picture.suffix == ".svg":
            text = picture.read_text()
            assert not re.search(r"(?:href|src|url)\s*[=(]\s*[\"']?https?:", text)
            assert str(Path.home()) not in text


def test_continuous_integration_calls_targets_that_exist():
    script = (REPOSITORY / ".ci" / "run").read_text()
    lines = re.findall(r"^(?:step \d+ make|suite) ([^\"\n]+)", script, re.MULTILINE)
    called = {name for line in lines for name in re.findall(r"(?<!\S)[a-z][a-z-]*(?!\S)", line)}
    assert {"lint", "docs", "demo", "test", "test-all"} == called <= targets()


def test_pinned_versions_name_no_host():
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[a-z0-9-]+==[0-9a-z.]+", line), line


@pytest.mark.parametrize("example", ["minimal", "kept", "killed", "ddp_two_ranks"])
def test_an_example_runs_and_runs_again(example: str, tmp_path: Path):
    bare = {
        k: v for k, v in os.environ.items() if not k.startswith("ANEW_") or k == "ANEW_KEEP_COMMITS"
    }
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-W", "error", REPOSITORY / "examples" / f"{example}.py"],
            cwd=tmp_path,
            env=bare,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout

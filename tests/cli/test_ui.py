"""`anew ui`: what it prints where, and when it opens a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from anew.cli.main import cli
from anew.cli.ui import elsewhere, has_browser

URL = "http://127.0.0.1:5700/#link=abc"


def test_on_a_machine_reached_by_ssh_the_line_that_brings_the_page_home_is_printed():
    lines = elsewhere(URL, {"SSH_CONNECTION": "203.0.113.5 50022 192.0.2.7 2222"})
    assert "ssh -N -L 5700:127.0.0.1:5700 -p 2222 " in lines[-1]
    assert lines[-1].endswith("@192.0.2.7")
    assert " -p " not in elsewhere(URL, {"SSH_CONNECTION": "203.0.113.5 50022 192.0.2.7 22"})[-1]
    assert elsewhere(URL, {}) == []
    assert elsewhere(URL, {"SSH_CONNECTION": "a b c 22", "VSCODE_IPC_HOOK_CLI": "/x"}) == []
    assert elsewhere(URL, {"JUPYTERHUB_SERVICE_PREFIX": "/user/a/"})[0].endswith("/user/a/proxy/5700/")  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "seen"),
    [
        ({"SSH_CONNECTION": "a b c 22", "DISPLAY": ":0"}, False),
        ({"SSH_CONNECTION": "a b c 22", "BROWSER": "/vscode/open"}, True),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/a/", "DISPLAY": ":0"}, False),
    ],
)
def test_a_browser_opens_only_where_somebody_sees_it(environ, seen):
    assert has_browser(environ) is seen


@pytest.mark.parametrize("options", [["--root", "s3://bucket/x"], ["--root", "README"], ["--origin", "hub"], ["--origin", "ftp://hub"]])  # fmt: skip
def test_what_cannot_be_shown_is_refused_before_anything_listens(tmp_path: Path, options):
    (tmp_path / "README").write_text("no folder")
    options = [one if one != "README" else str(tmp_path / one) for one in options]
    done = CliRunner().invoke(cli, ["ui", "--no-browser", "--port", "0", *options])
    assert done.exit_code != 0
    assert "127.0.0.1" not in done.output

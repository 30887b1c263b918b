"""Tokens: the variable comes first, a kept one goes to its own server alone, and nobody else reads the file."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from anew import credentials
from anew.credentials import forget_token, keep_token, token_for, token_source
from anew.errors import InvalidSetting, InvalidValue

LAB = "https://lab.example.org"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "find_spec", lambda name: None)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_a_token_is_kept_in_a_file_that_only_its_owner_reads(environ: dict[str, str]) -> None:
    os.umask(0)
    try:
        where = Path(keep_token(LAB, " anew_abc\n", environ))
    finally:
        os.umask(0o022)
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    assert stat.S_IMODE(where.parent.stat().st_mode) == 0o700
    assert token_for(LAB, environ) == "anew_abc"
    assert token_source(LAB, environ) == str(where)
    where.chmod(0o644)
    assert token_for(LAB, environ) == "anew_abc"
    assert stat.S_IMODE(where.stat().st_mode) == 0o600


def test_a_token_goes_to_its_own_server_alone(environ: dict[str, str]) -> None:
    keep_token(LAB, "anew_abc", environ)
    keep_token(f"{LAB}/group", "anew_group", environ)
    assert token_for("HTTPS://LAB.example.org:443/", environ) == "anew_abc"
    assert token_for(f"{LAB}/vision", environ) == "anew_abc"
    assert token_for(f"{LAB}/group/one", environ) == "anew_group"
    for other in ("http://lab.example.org", "https://lab.example.org:8000", "https://lab.example"):
        assert token_for(other, environ) is None
    assert token_source("https://other", environ) == ""


def test_the_variable_comes_first(environ: dict[str, str]) -> None:
    keep_token(LAB, "anew_abc", environ)
    assert token_for(LAB, environ | {"ANEW_TOKEN": "anew_xyz"}) == "anew_xyz"


def test_a_token_that_is_forgotten_is_gone_and_others_stay(environ: dict[str, str]) -> None:
    keep_token(LAB, "anew_abc", environ)
    keep_token("http://127.0.0.1:5700", "anew_local", environ)
    assert forget_token(LAB, environ)
    assert not forget_token(LAB, environ)
    assert token_for(LAB, environ) is None
    assert token_for("http://127.0.0.1:5700", environ) == "anew_local"


@pytest.mark.parametrize("token", ["", "two words", "a\x1b[1m", "schlüssel"])
def test_what_cannot_be_sent_in_a_header_is_no_token(environ: dict[str, str], token: str) -> None:
    with pytest.raises(InvalidValue):
        keep_token(LAB, token, environ)


def test_only_servers_have_tokens(environ: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting):
        keep_token("s3://lab", "anew_abc", environ)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"servers": 3}', '{"servers": {"x": 3}}'])
def test_a_damaged_file_is_as_none_and_is_written_again(environ: dict[str, str], text: str) -> None:
    path = Path(keep_token(LAB, "anew_abc", environ))
    path.write_text(text)
    assert token_for(LAB, environ) is None
    keep_token(LAB, "anew_new", environ)
    assert token_for(LAB, environ) == "anew_new"


def test_a_keyring_that_is_there_keeps_it_and_the_file_does_not(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(keep_token(LAB, "anew_abc", environ))
    kept: dict[tuple[str, str], str] = {}
    ring = SimpleNamespace(
        get_keyring=lambda: SimpleNamespace(priority=5),
        get_password=lambda *key: kept.get(key),
        set_password=lambda service, name, token: kept.update({(service, name): token}),
        delete_password=lambda *key: kept.pop(key),
    )
    monkeypatch.setattr(credentials, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert keep_token(LAB, "anew_ring", environ) == token_source(LAB, environ)
    assert "anew" not in path.read_text()
    assert token_for(LAB, environ) == "anew_ring"
    assert forget_token(LAB, environ)
    assert not kept


def test_a_keyring_that_fails_leaves_it_to_the_file(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("locked")

    ring = SimpleNamespace(
        get_keyring=lambda: SimpleNamespace(priority=5), get_password=fails, set_password=fails, delete_password=fails
    )  # fmt: skip
    monkeypatch.setattr(credentials, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert Path(keep_token(LAB, "anew_abc", environ)).exists()
    assert token_for(LAB, environ) == "anew_abc"

"""The page for one user: which port it takes, and whom it lets in."""

from __future__ import annotations

import pytest

from anew.errors import InvalidSetting
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.ui import free_port, origin_of
from serving import InProcess, place_of


def test_a_port_that_is_taken_is_followed_by_the_next_free_one():
    first = free_port(0)
    port = first.getsockname()[1]
    second = free_port(port)
    assert second.getsockname()[1] > port
    for one in (first, second):
        one.close()


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://hub.example.org", "https://hub.example.org"),
        ("https://Hub.example.org:443/user/a/", "https://hub.example.org"),
        ("http://[::1]:8888", "http://[::1]:8888"),
    ],
)
def test_an_origin_is_what_browsers_send(text: str, origin: str):
    assert origin_of(text) == origin


@pytest.mark.parametrize("text", ["hub.example.org", "ftp://hub", "https://", "https://a:b", ""])
def test_what_is_no_origin_is_refused(text: str):
    with pytest.raises(InvalidSetting):
        origin_of(text)


def test_a_page_behind_a_proxy_is_let_in_by_its_origin_alone(tmp_path):
    origin = "https://hub.example.org"
    place = place_of(str(tmp_path))
    access = Access("me", frozenset({"hub.example.org"}), origins=frozenset({origin}))
    server = InProcess(make_app(place, access))

    def asked(**headers: str) -> int:
        given = {"Content-Type": "application/json", **headers}
        return server.send("POST", "/api/v1/ask/about", given, b"{}").status

    assert asked(Origin=origin) == 200  # the proxy calls us by our own name
    assert asked(Origin=origin, Host="hub.example.org") == 200
    assert asked(Origin="https://evil.example") == 403
    assert asked(Origin="http://hub.example.org") == 403
    server.close()
    place.close()

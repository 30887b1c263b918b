"""The one user of a page on a folder."""

from __future__ import annotations

from anew.server.callers import Role
from anew.server.identity.local import LocalUser


def test_a_link_lets_the_user_in_once_and_nobody_else_is():
    user = LocalUser("al")
    assert not user.open
    link = user.link()
    begun = user.redeem(link)
    assert (begun.caller.name, begun.caller.role) == ("al", Role.OWNER)
    assert begun.caller.scope(Role.OWNER) is None
    assert user.redeem(link) is None
    assert user.of_session(begun.secret) == begun.caller
    assert user.of_session(link) is None
    assert user.of_token(begun.secret) is None
    assert LocalUser("al").of_session(begun.secret) is None
    user.end(begun.secret)
    assert user.of_session(begun.secret) is None


def test_links_are_told_apart():
    user = LocalUser("al")
    first, second = user.link(), user.link()
    assert user.redeem(second) is not None
    assert user.redeem(first) is not None

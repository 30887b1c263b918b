"""Roles in projects."""

from __future__ import annotations

from anew.query.scope import Scope
from anew.server.callers import Caller, Grant, Role


def test_a_role_counts_in_the_projects_of_its_pattern_and_the_highest_wins():
    caller = Caller.of("al", [Grant("lab/*", Role.READER), Grant("lab/vision", Role.OWNER)])
    assert caller.role is Role.OWNER
    assert caller.role_in("lab/vision") is Role.OWNER
    assert caller.role_in("lab/audio") is Role.READER
    assert caller.role_in("other") is Role.ANYONE
    assert caller.role_at("lab/vision/run/one") is Role.OWNER
    assert caller.scope(Role.WRITER) == Scope(("lab/vision",))
    assert caller.scope() == Scope(("lab/*", "lab/vision"))


def test_who_has_a_role_everywhere_has_no_scope():
    assert Caller("al", Role.OWNER).scope(Role.OWNER) is None
    assert Caller("al", Role.READER).scope(Role.WRITER) == Scope(())
    assert Caller.of("al", [Grant("*", Role.WRITER)]).scope(Role.WRITER) is None


def test_a_token_of_a_user_never_does_more_than_the_user_or_the_token_may():
    grants = [Grant("lab/*", Role.OWNER), Grant("x", Role.READER)]
    caller = Caller.of("al", grants, limit=Grant("*/vision", Role.WRITER))
    assert caller.role_in("lab/vision") is Role.WRITER
    assert caller.role_in("lab/audio") is Role.ANYONE
    assert caller.role_in("x") is Role.ANYONE
    assert caller.scope(Role.WRITER) == Scope(("lab/*",), "*/vision")
    assert caller.scope(Role.OWNER) == Scope(())


def test_a_cap_takes_every_role_down():
    caller = Caller.of("al", [Grant("lab", Role.OWNER)], admin=True).capped(Role.READER)
    assert (caller.role, caller.admin, caller.role_in("lab")) == (Role.READER, False, Role.READER)
    assert Caller("al", Role.OWNER).capped(Role.READER).role_in("lab") is Role.READER
    assert Caller("al", Role.READER).capped(Role.OWNER).role is Role.READER

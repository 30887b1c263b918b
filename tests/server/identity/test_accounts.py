"""Accounts: links of one use, sessions and tokens, in a folder's file and in a group's database."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from anew.errors import InvalidName, InvalidValue, NotFound
from anew.postgres import is_postgres
from anew.server.callers import Grant, Role
from anew.server.identity.accounts import Accounts
from anew.server.identity.credentials import TOKEN


@pytest.fixture
def accounts(accounts_at: str):
    opened = Accounts(accounts_at, first="starter")
    yield opened
    opened.close()


def turn_back(accounts: Accounts, table: str) -> None:
    with accounts.database.writing() as connection:
        connection.execute(f"UPDATE {table} SET expires_at = 1")


def test_the_first_link_makes_the_first_account_once(accounts):
    assert accounts.empty
    assert accounts.open
    link = accounts.first_link()
    begun = accounts.redeem(link)
    assert (begun.caller.name, begun.caller.role, begun.caller.admin) == (
        "starter",
        Role.OWNER,
        True,
    )
    assert begun.caller.scope(Role.OWNER) is None
    assert accounts.redeem(link) is None
    assert not accounts.open
    assert accounts.of_session(begun.secret) == begun.caller
    assert [one.name for one in accounts.users()] == ["starter"]


def test_an_account_that_another_process_makes_ends_the_trust_a_moment_later(accounts, accounts_at):
    assert accounts.open
    other = Accounts(accounts_at)
    other.add_user("kim")
    other.close()
    until = time.monotonic() + 300
    while accounts.open and time.monotonic() < until:
        time.sleep(0.01)
    assert not accounts.open


def test_of_many_who_use_a_link_at_once_one_has_used_it(accounts, accounts_at):
    link = accounts.first_link()
    others = [Accounts(accounts_at) for _ in range(4)]
    found = []
    ready = threading.Barrier(16)

    def use(number: int) -> None:
        ready.wait(300)
        found.append(others[number % 4].redeem(link, f"user{number}"))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    for one in others:
        one.close()
    assert len(found) == 16
    assert len([one for one in found if one is not None]) == 1
    assert len(accounts.users()) == 1


def test_an_earlier_first_link_holds_no_more_once_there_is_another_or_a_user(accounts):
    old, new = accounts.first_link(), accounts.first_link()
    assert accounts.redeem(old) is None
    accounts.add_user("al", admin=True)
    assert accounts.redeem(new) is None


def test_links_and_sessions_end(accounts):
    link = accounts.add_user("al")
    turn_back(accounts, "links")
    assert accounts.redeem(link) is None
    begun = accounts.redeem(accounts.link_for("al"))
    assert accounts.of_session(begun.secret).name == "al"
    turn_back(accounts, "sessions")
    assert accounts.of_session(begun.secret) is None
    again = accounts.begin("al")
    accounts.end(again.secret)
    assert accounts.of_session(again.secret) is None
    assert accounts.of_session("") is None


def test_a_user_sees_nothing_until_given_a_role_but_what_they_recorded_outside_of_projects(
    accounts,
):
    begun = accounts.redeem(accounts.add_user("al"))
    assert begun.caller.role_in("lab/vision") is Role.ANYONE
    assert begun.caller.role_in("~al") is Role.OWNER
    accounts.set_role("al", "lab/*", Role.WRITER)
    assert accounts.of_session(begun.secret).role_in("lab/vision") is Role.WRITER
    accounts.set_role("AL", "lab/*", None)
    assert accounts.of_session(begun.secret).role_in("lab/vision") is Role.ANYONE


def test_a_removed_user_is_out_at_once_with_sessions_tokens_and_links(accounts):
    accounts.add_user("root", admin=True)
    begun = accounts.redeem(accounts.add_user("al", [Grant("*", Role.WRITER)]))
    link = accounts.link_for("al")
    token = accounts.create_token("hers", Role.WRITER, user="al")
    accounts.remove_user("al")
    assert accounts.of_session(begun.secret) is None
    assert accounts.of_token(token) is None
    assert accounts.redeem(link) is None
    accounts.add_user("al")
    assert accounts.of_session(begun.secret) is None
    with pytest.raises(InvalidValue):
        accounts.remove_user("root")


def test_a_token_is_a_role_in_projects_until_it_ends_or_is_revoked(accounts):
    token = accounts.create_token("cluster", Role.WRITER, project="lab/*")
    assert token.startswith(TOKEN)
    assert len(token) >= len(TOKEN) + 43  # 256 bits
    caller = accounts.of_token(token)
    assert (caller.name, caller.role_in("lab/x"), caller.role_in("x")) == (
        "cluster",
        Role.WRITER,
        Role.ANYONE,
    )
    (listed,) = accounts.tokens()
    assert listed.used_at == pytest.approx(time.time(), abs=60)
    assert not accounts.open
    accounts.revoke_token("cluster")
    assert accounts.of_token(token) is None
    with pytest.raises(NotFound):
        accounts.revoke_token("cluster")
    late = accounts.create_token("late", Role.READER, expires_at=time.time() - 1)
    assert accounts.of_token(late) is None
    assert accounts.of_token(token[:-1]) is None


def test_a_token_of_a_user_follows_the_users_roles(accounts):
    accounts.add_user("al", [Grant("lab/*", Role.MAINTAINER)])
    token = accounts.create_token("hers", Role.WRITER, project="*/vision", user="al")
    caller = accounts.of_token(token)
    assert (caller.name, caller.admin) == ("al", False)
    assert caller.role_in("lab/vision") is Role.WRITER
    assert caller.role_in("lab/audio") is Role.ANYONE
    accounts.set_role("al", "lab/*", Role.READER)
    assert accounts.of_token(token).role_in("lab/vision") is Role.READER
    accounts.revoke_token("hers", user="al")
    assert accounts.tokens() == []


@pytest.mark.parametrize("name", ["", " ", "a" * 300, "a\nb", "a/b", "*", TOKEN + "x"])
def test_what_no_account_can_be_called_is_refused(accounts, name):
    with pytest.raises(InvalidName):
        accounts.add_user(name)
    assert accounts.users() == []


def test_names_are_given_once_however_they_are_written(accounts):
    accounts.add_user("Al")
    with pytest.raises(InvalidName):
        accounts.add_user("al")
    accounts.create_token("T", Role.READER)
    with pytest.raises(InvalidName):
        accounts.create_token("t", Role.READER)


def test_no_credential_is_kept_or_shown(accounts, accounts_at):
    link = accounts.first_link()
    begun = accounts.redeem(link)
    other = accounts.link_for("starter")
    token = accounts.create_token("cluster", Role.READER)
    shared = accounts.shares.create("lab/*", time.time() + 60, "starter")[1]
    if is_postgres(accounts_at):
        with accounts.database.reading() as connection:
            tables = [
                row[0]
                for row in connection.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
                )
            ]
            kept = repr(
                [connection.execute(f"SELECT * FROM {one}").fetchall() for one in tables]
            ).encode()
    else:
        kept = b"".join(
            path.read_bytes() for path in (Path(accounts_at) / ".anew" / "server").iterdir()
        )
    assert b"starter" in kept
    for secret in (link, begun.secret, other, token, shared):
        assert secret.encode() not in kept
        assert secret not in repr((begun, accounts.tokens(), accounts.users()))


def test_a_token_is_known_while_another_process_writes(accounts, accounts_at):
    token = accounts.create_token("cluster", Role.READER)
    other = Accounts(accounts_at)
    with other.database.writing():
        assert accounts.of_token(token).name == "cluster"
    other.close()
    assert accounts.of_token(token) is not None


def test_what_is_done_is_recorded_in_order_and_read_page_by_page(accounts):
    for number in range(4):
        accounts.audit.note(
            "al", "user:1", "edited", "lab/a" if number % 2 else "lab/b", str(number)
        )
    with accounts.database.writing() as connection:
        for number in range(4, 1200):
            connection.execute(
                "INSERT INTO audit (time, who, through, action, project, target) VALUES (?, ?, ?, ?, ?, ?)",
                (1.0, "al", "user:1", "edited", "lab/a" if number % 2 else "lab/b", str(number)),
            )
    seen = accounts.audit.entries(limit=599, seen=lambda project: project == "lab/a")
    assert [one.target for one in seen] == [str(number) for number in range(1199, 1, -2)]
    rest = accounts.audit.entries(before=seen[-1].number, limit=10)
    assert [one.target for one in rest] == ["2", "1", "0"]


def test_texts_that_somebody_chose_are_kept_as_they_are(accounts):
    odd = "a\x00b\x01\x02%s ? 'quoted' \N{SNOWMAN}"
    accounts.audit.note(odd, odd, odd, odd, odd)
    (one,) = accounts.audit.entries()
    assert (one.who, one.through, one.action, one.project, one.target) == (odd,) * 5
    with pytest.raises(NotFound):
        accounts.link_for(odd)


def test_letters_beyond_ascii_make_names_that_differ(accounts):
    accounts.add_user("Ärnst")
    accounts.add_user("ärnst")
    accounts.set_role("äRNST", "lab/x", Role.READER)
    assert [one.name for one in accounts.users() if "lab/x" in one.roles] == ["ärnst"]


def test_what_fails_in_the_middle_leaves_nothing(accounts):
    with pytest.raises(InvalidName):
        accounts.add_user("al", [Grant("lab/*", Role.READER), Grant("a//b", Role.READER)])
    assert accounts.users() == []
    accounts.add_user("al")


def test_servers_that_write_at_once_lose_nothing(accounts, accounts_at):
    others = [Accounts(accounts_at) for _ in range(3)]
    ready = threading.Barrier(6)

    def use(number: int) -> None:
        ready.wait(300)
        for turn in range(4):
            token = others[number % 3].create_token(f"{number}-{turn}", Role.READER)
            assert others[(number + 1) % 3].of_token(token) is not None
            others[number % 3].audit.note("x", "y", "made", "lab", f"{number}-{turn}")

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    for one in others:
        one.close()
    assert len(accounts.tokens()) == 24
    entries = accounts.audit.entries()
    assert len({one.target for one in entries}) == 24
    assert [one.number for one in entries] == sorted((one.number for one in entries), reverse=True)

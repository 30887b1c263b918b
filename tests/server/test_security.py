"""The kinds of vulnerabilities that servers of other trackers had, held against every route of the table.

A route that is added later is tested without being named here: the tests walk the table, and make up what each asks from its fields.

The sixteen kinds, and what holds each (without a file: in this one):

 1. unauthenticated: every route without a credential, with a wrong one, with one that has ended
 2. unauthorised for this object: `test_rights.py` (role, route, own or other project), `tests/sync/test_weights.py`
 3. paths that lead elsewhere: the corpus of `TRAVERSALS` over every route, and over every kind of file
 4. the server fetches what a client names: no connection is made, whatever is asked
 5. a place that a client gives becomes a place of the server: the same test, and that no edit writes out of the store
 6. Host and DNS rebinding: a request for another name
 7. CSRF and CORS: pages of other sites
 8. stored XSS: what users logged, here; in the browser `tests/page/`
 9. code from data: nothing that a request says is run
10. archives: nothing that is sent is unpacked; a zip file is made where nobody else reads
11. injection: hostile texts in every field, filters and sorts; `test_fuzz.py` over the OpenAPI document
12. default passwords, secrets at rest: `identity/test_accounts.py`
13. tokens in addresses: no credential is taken from one; `test_observing.py` for the log
14. files without authentication: the walk of kind 1 has the routes of files in it
15. exhaustion: bodies, depths, answers and patterns here; `test_limits.py` for time, points and rates, `test_connections.py` for sockets, `tests/faults/` for
    decompression
16. temporary files: what the server keeps is readable by nobody else
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import socket
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anew
from anew import Experiment
from anew.reading.wire import encode
from anew.record.edits import DeleteEdit, Edit
from anew.server.access import Access
from anew.server.app import MOST_BODY, make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.limits import Limits
from anew.server.meters import Meters
from anew.server.routes import Nothing, Route
from anew.server.static import PAGE
from anew.server.table import API, ROUTES
from serving import Answer, InProcess, place_of

OPEN = {f"{API}/openapi.json", "/healthz", "/readyz", *(one.path for one in PAGE)}
"""What anybody may ask: it says nothing about experiments."""
ENTRANCES = {"entrance", "login-link", "login-share", "login-oidc", "login-oidc-callback", "logout"}  # fmt: skip
"""What somebody calls who is nobody yet, or no longer."""
ANSWERED = {"entrance", "logout"}
"""Those that need no proof of who calls."""
SECRET = b"the contents of a file outside of the store"
# A name of this machine's own files in every spelling that ever led out of a folder.
TRAVERSALS = [
    "..", "../", "../../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt", "..%252fsecret.txt", "....//secret.txt", "..;/secret.txt", "..%3b/secret.txt",
    "..#/secret.txt", "..\\secret.txt", "..%5csecret.txt", "%c0%ae%c0%ae/secret.txt", "%e2%80%a4%e2%80%a4/secret.txt",
    "\uff0e\uff0e/secret.txt", "/etc/hostname", "//etc/hostname", "///etc/hostname", "%2fetc%2fhostname",
    "/proc/self/environ", "//proc/self/root/etc/hostname", "files/../../../secret.txt", "files/./../../secret.txt",
    "C:\\Windows\\win.ini", "C:/Windows/win.ini", "\\\\host\\share\\x", "file:///etc/hostname", "http://127.0.0.1/x",
    "secret.txt\0.png", "%00", "..\0/secret.txt", ".", "./.", "~", "~root", "~/x", " ..", ".. ", "..\t/secret.txt",
    "..\n", "CON", "nul", "out/secret.txt", "files/out", "-", "--help", "$(id)", "`id`", "{{7*7}}", "%s%s%n", "*",
    "lab/../../secret.txt", "a" * 5000, "../" * 200 + "etc/hostname", ".anew/catalog.sqlite", "../.anew/root",
]  # fmt: skip
HOSTILE = [
    "'",
    '"',
    "' or 1=1 --",
    "'; drop table experiments; --",
    "\\",
    "%",
    "_",
    "\u0000",
    "\ud7ff",
    "; --",
    "${x}",
]
FROM_ELSEWHERE: list[dict[str, str]] = [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:5701"},
    {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Content_Type": "text/plain"},
    {"Content_Type": "application/x-www-form-urlencoded"}, {"Content_Type": "multipart/form-data; boundary=x"},
    {"Content_Type": ""},
]  # fmt: skip
"""What a page of another site may send with a request without asking first."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("around") / "store"
    (folder.parent / "secret.txt").write_bytes(SECRET)
    with Experiment(prefix="lab/x/one", root=str(folder), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
        for name in ("page.html", "drawing.svg", "script.js", "x.png", "data.xml", "a.pdf"):
            exp.files("docs").save(
                _written(folder.parent / name, b"<svg onload=alert(1)><script>alert(1)</script>")
            )
    # What the record does not name, and a link that leads out of the folder.
    (folder / "lab/x/one/out").symlink_to(folder.parent)
    return str(folder)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def place(root: str):
    opened = place_of(root)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(place):
    # These tests send gigabytes within seconds, more than one caller may.
    meters = Meters(Limits(token_requests=None, token_bytes=None))
    transport = InProcess(make_app(place, Access("tester", meters=meters)))
    yield transport
    transport.close()


@pytest.fixture(scope="module")
def closed(place, tmp_path_factory):
    accounts = Accounts(str(tmp_path_factory.mktemp("accounts")), trusting=False)
    transport = InProcess(make_app(place, Access("tester", identities=accounts)))
    transport.token = accounts.create_token("reader", Role.READER)
    yield transport
    transport.close()
    accounts.close()


@pytest.fixture(scope="module")
def nobody(place):
    transport = InProcess(make_app(place, Access("tester", role=Role.ANYONE)))
    yield transport
    transport.close()


@pytest.fixture(scope="module")
def reader(place):
    transport = InProcess(make_app(place, Access("tester", role=Role.READER)))
    yield transport
    transport.close()


def value_of(kind: Any, text: str) -> Any:
    """A value of a field's type, with a text of ours wherever one may stand."""
    if kind is str:
        return text
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is dict:
        return {text: text}
    if get_origin(kind) in (tuple, frozenset, set) or str(get_origin(kind)).endswith("Sequence'>"):
        return [value_of(get_args(kind)[0], text)]
    options = get_args(kind)
    if str in options:
        return text
    if options:
        # Of structs that may hold one another, the last one listed holds only fields.
        return value_of([one for one in options if one is not type(None)][-1], text)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return question_of(kind, text)
    return {int: 1, float: 1.0, bool: False}.get(kind)


def question_of(kind: type[msgspec.Struct], text: str) -> dict[str, Any]:
    tag = kind.__struct_config__.tag
    fields = {one.name: value_of(one.type, text) for one in msgspec.structs.fields(kind)}
    return {"type": tag, **fields} if tag is not None else fields


def called(server: InProcess, route: Route, text: str = "one", **headers: str) -> Answer:
    """A route asked with a text in every place where one may stand."""
    question = {} if route.question is Nothing else question_of(route.question, text)
    if "wait" in question:
        question["wait"] = 0.0
    path = route.path
    for name in list(question):
        for spelling in (f"{{{name}}}", f"{{{name}:path}}"):
            if spelling in path:
                path = path.replace(spelling, quote(str(question.pop(name)), safe="/%;#\\"))
    given_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if route.method == "GET":
        pairs = [
            f"{name}={quote(str(one), safe='')}"
            for name, value in question.items()
            if value is not None
            for one in (value if isinstance(value, list) else [value])
        ]
        return server.send("GET", f"{path}?{'&'.join(pairs)}", given_headers)
    body = msgspec.json.encode(question)
    return server.send(
        route.method, path, {"Content-Type": "application/json", **given_headers}, body
    )


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


# An application in this process gives an answer once it is whole, and a stream of events never is.
WHOLE = [route for route in ROUTES if route.name != "events"]


def each(routes: list[Route]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Runs a test with each route, and names all those that fail; as tests of their own they would cost more than what they do."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        def with_each(**given_: Any) -> None:
            failed = {}
            for route in routes:
                try:
                    test(route=route, **given_)
                except AssertionError as error:
                    failed[named(route)] = str(error)
            assert not failed

        signature = inspect.signature(test)
        asked = [one for one in signature.parameters.values() if one.name != "route"]
        with_each.__signature__ = signature.replace(parameters=asked)  # type: ignore[attr-defined]
        with_each.__name__, with_each.__doc__ = test.__name__, test.__doc__
        return with_each

    return decorate


every_route = each(list(ROUTES))
every_whole_route = each(WHOLE)
# Of many texts, each on some routes and each route with some of them; `make test-all` tries all on all.
some_or_all = pytest.mark.parametrize("of", [8, pytest.param(1, marks=pytest.mark.slow)])


def some(texts: Sequence[str], route: Route, of: int) -> Sequence[str]:
    return texts[ROUTES.index(route) % of :: of]


# -- who calls -------------------------------------------------------------------------------------


def test_no_route_exists_outside_of_the_table(server):
    known = {(route.path, route.method) for route in ROUTES} | {(path, "GET") for path in OPEN}
    found = {(one.path, method) for one in server.app.routes for method in one.methods}
    assert found - {(path, "HEAD") for path, _ in known} == known


@every_route
def test_who_may_do_nothing_is_refused_everywhere(nobody, route):
    assert (route.role > Role.ANYONE) != (route.name in ENTRANCES)
    assert called(nobody, route).status == (
        200 if route.name in ANSWERED else 401 if route.name in ENTRANCES else 403
    )


@every_route
def test_without_a_credential_that_holds_every_route_is_closed(closed, route):
    for shown in ({}, {"Authorization": "Bearer anew_x"}, {"Cookie": "anew_session=x"}):
        answer = called(closed, route, **shown)
        assert answer.status == (200 if route.name in ANSWERED else 401), shown
        assert "set-cookie" not in answer.headers or route.name == "logout", shown
        assert b"lab/x/one" not in answer.body, shown


@pytest.mark.parametrize("path", sorted(OPEN))
def test_what_anybody_may_ask_says_nothing_of_experiments(nobody, path):
    answer = nobody.send("GET", path)
    assert answer.status == (404 if path.startswith("/assets/") else 200)
    assert b"lab/x/one" not in answer.body


@every_whole_route
def test_who_may_only_read_changes_nothing(reader, route, root):
    before = sorted(str(path) for path in Path(root, "lab").rglob("*"))
    answer = called(reader, route)
    # People keep what is theirs; the rest needs more.
    own = ("ask/append", "/star", "/preferences/set", "/news/seen")
    by_edit = route.changes and route.path.endswith(own)
    assert (answer.status == 403) == (route.role > Role.READER or route.admin or by_edit)
    unharmed = {*ENTRANCES, "do-preferences-clear"}  # which has nothing to clear
    assert not route.changes or answer.status == 403 or route.name in unharmed
    assert sorted(str(path) for path in Path(root, "lab").rglob("*")) == before


# -- where requests come from ----------------------------------------------------------------------


@every_route
def test_a_request_for_another_name_is_refused(server, route):
    for host in (
        "evil.example", "evil.example:5700", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "192.0.2.7",
    ):  # fmt: skip
        assert called(server, route, host=host).status == 421, host


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:5700"])
def test_this_machine_is_known_by_its_names(server, host):
    assert server.send("GET", "/healthz", {"Host": host}).status == 200


@every_route
def test_pages_of_other_sites_can_send_nothing_that_is_acted_on(server, route):
    if route.method == "GET":
        # A page elsewhere can always send a GET, and cannot read its answer.
        assert not route.changes
        return
    for headers in FROM_ELSEWHERE:
        if (route.raw and "Content_Type" in headers) or (
            route.foreign and route.method == "DELETE" and headers.get("Content_Type") == ""
        ):
            # A page elsewhere has to ask before it may PUT or DELETE anything, and is refused.
            assert route.method in ("PUT", "DELETE")
            asked = {
                "Access-Control-Request-Method": route.method,
                "Origin": "https://evil.example",
            }
            answer = server.send("OPTIONS", route.path, asked)
            assert answer.status == 405, headers
            assert "access-control-allow-methods" not in answer.headers, headers
        else:
            assert called(server, route, **headers).status in (403, 415), headers


@every_whole_route
def test_no_answer_may_be_read_by_pages_of_other_sites_or_run_in_a_browser(server, route):
    answer = called(server, route, Origin="http://127.0.0.1:5700")
    names = set(answer.headers)
    assert not {name for name in names if name.startswith("access-control-")}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not answer.headers.get("content-type", "").startswith(("text/html", "image/svg"))


def test_what_users_logged_is_never_shown_as_what_it_says_it_is(server):
    facts = json.loads(server.send("GET", f"{API}/experiments/one?parts=files").body)
    assert len(facts["files"]) == 6
    for file in facts["files"]:
        answer = server.send("GET", f"{API}/experiments/one/content/file/{quote(file['path'])}")
        shown = answer.headers["content-type"] == "image/png"
        assert shown or answer.headers["content-type"] == "application/octet-stream"
        assert shown == answer.headers["content-disposition"].startswith("inline")
        assert "\n" not in answer.headers["content-disposition"]


# -- what requests ask for -------------------------------------------------------------------------


@some_or_all
@every_whole_route
def test_no_name_leads_out_of_the_store(server, root, route, of):
    for name in TRAVERSALS if "{name" in route.path else some(TRAVERSALS, route, of):
        answer = called(server, route, name)
        assert answer.status < 500, (name, answer.body)
        assert SECRET not in answer.body, name
        assert b"root:x:" not in answer.body, name
    assert Path(root).parent.joinpath("secret.txt").read_bytes() == SECRET


@pytest.mark.parametrize("kind", ["file", "value", "capture"])
def test_no_name_of_a_file_leads_out_of_its_experiment(server, kind):
    for name in TRAVERSALS:
        for path in (quote(name, safe=""), quote(name, safe="/%")):
            answer = server.send("GET", f"{API}/experiments/one/content/{kind}/{path}")
            assert answer.status >= 400, name
        body = encode({"id": "one", "kind": kind, "name": name})
        headers = {"Content-Type": "application/msgpack"}
        answer = server.send("POST", f"{API}/ask/open", headers, body)
        assert 400 <= answer.status < 500, name


@pytest.mark.parametrize("edit", get_args(Edit), ids=lambda edit: edit.__name__)
def test_no_edit_writes_or_moves_anything_out_of_the_store(server, root, edit):
    (id_,) = json.loads(server.send("GET", f"{API}/experiments").body)["ids"]
    outside = sorted(str(path) for path in Path(root).parent.iterdir())
    headers = {"Content-Type": "application/msgpack"}
    for name in TRAVERSALS[::3]:
        question = question_of(edit, name)
        for target in ("id" in question and name, id_):
            if target and edit is not DeleteEdit:
                body = encode({"edits": [{**question, "id": target}]})
                assert server.send("POST", f"{API}/ask/append", headers, body).status < 500
    assert sorted(str(path) for path in Path(root).parent.iterdir()) == outside
    found = server.send("GET", f"{API}/experiments/{id_}").body
    prefix = json.loads(found)["prefix"]
    assert Path(root, prefix).resolve().is_relative_to(Path(root).resolve())
    back = encode({"edits": [{"type": "move", "id": id_, "prefix": "lab/x/one"}]})
    server.send("POST", f"{API}/ask/append", headers, back)
    name = encode({"edits": [{"type": "field", "id": id_, "field": "name", "value": "one"}]})
    assert server.send("POST", f"{API}/ask/append", headers, name).status == 200


@some_or_all
@every_whole_route
def test_texts_that_would_be_code_elsewhere_are_texts(server, route, of):
    for text in some(HOSTILE, route, min(of, 4)):
        answer = called(server, route, text)
        assert answer.status < 500, (text, answer.body)
    assert server.send("GET", f"{API}/experiments/one").status == 200


@settings(max_examples=20)
@given(text=st.text(max_size=40))
def test_no_filter_sort_or_column_breaks_the_server(server, text):
    for field in ("filter", "sort", "columns", "group"):
        answer = server.send("GET", f"{API}/experiments?{field}={quote(text)}")
        assert answer.status in (200, 400)
    assert json.loads(server.send("GET", f"{API}/experiments?total=1").body)["total"] == 1


def test_nothing_that_a_request_says_is_run_as_code():
    forbidden = {"eval", "exec", "compile", "__import__", "pickle", "marshal", "shelve", "dill"}
    source = Path(anew.__file__).parent
    for room in ("server", "query", "reading"):
        for file in (source / room).rglob("*.py"):
            text = file.read_text()
            if not any(name in text for name in forbidden):
                continue
            for node in ast.walk(ast.parse(text)):
                names: set[str] = set()
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    names = {node.func.id}
                elif isinstance(node, ast.Import):
                    names = {one.name.partition(".")[0] for one in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names = {(node.module or "").partition(".")[0]}
                assert not names & forbidden, f"{file}:{getattr(node, 'lineno', 0)}"


# -- how much requests ask for ---------------------------------------------------------------------


@each([one for one in ROUTES if one.method == "POST"])
def test_bodies_that_are_too_long_too_deep_or_nothing_at_all_are_refused(server, route):
    packed = {"Content-Type": "application/msgpack"}
    plain = {"Content-Type": "application/json"}
    bodies = [
        (plain, b"x" * (MOST_BODY + 1)),
        ({**plain, "Content-Length": str(1 << 60)}, b"{}"),
        ({**plain, "Content-Encoding": "gzip"}, b"\x1f\x8b"),
    ]
    if route.question is not Nothing:
        bodies += [
            (plain, b'{"a":' * 100_000),
            (plain, b'{"filter":' + b'{"type":"Not","item":' * 100_000),
            (packed, b"\x82\xa3now\x00\xa6filter" + b"\x82\xa4type\xa3Not\xa4item" * 100_000),
            (packed, b"\x81\xa3ids\xdd\xff\xff\xff\xff"),
            (plain, b""), (plain, b"null"), (plain, b"[]"), (plain, b"\xff\xfe"), (packed, b"\xc1"),
        ]  # fmt: skip
    for headers, body in bodies:
        answer = server.send("POST", route.path, headers, body)
        assert 400 <= answer.status < 500, (headers, body[:40], answer.status)
        said = json.loads(answer.body)
        assert (said if route.refused is not None else said["error"])["message"]


def test_an_answer_that_would_be_too_large_is_refused(server):
    ids = [f"x{n}" for n in range(1000)]
    question = {"ids": ids, "metrics": ["loss"] * 100, "buckets": 10_000}
    for path in (f"{API}/panel", f"{API}/ask/panel"):
        body = json.dumps(question).encode()
        assert server.send("POST", path, {"Content-Type": "application/json"}, body).status == 400


def test_a_pattern_takes_time_in_proportion_to_the_text(server):
    pattern = quote("(a+)+$")
    assert server.send("GET", f"{API}/experiments/one/lines?pattern={pattern}").status == 200
    body = quote('name =~ "^(([a-z])+.)+[A-Z]([a-z])+$"')
    assert server.send("GET", f"{API}/experiments?filter={body}").status == 200


# -- what is left behind ---------------------------------------------------------------------------


def test_a_zip_file_is_made_where_nobody_else_reads_and_is_removed(
    server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes = []
    original = tempfile.TemporaryDirectory

    def watched(*args: Any, **given_: Any) -> Any:
        made = original(*args, **given_)
        modes.append(stat.S_IMODE(os.stat(made.name).st_mode))
        return made

    monkeypatch.setattr(tempfile, "TemporaryDirectory", watched)
    (id_,) = json.loads(server.send("GET", f"{API}/experiments").body)["ids"]
    for ids in ([id_], ["no such"]):
        body = json.dumps({"ids": ids}).encode()
        server.send("POST", f"{API}/archive", {"Content-Type": "application/json"}, body)
    assert modes == [0o700, 0o700]
    assert not os.listdir(tmp_path)


def test_errors_say_nothing_of_where_the_store_lies(server, root):
    for route in WHOLE:
        answer = called(server, route, "no such")
        if answer.status >= 400:
            assert root.encode() not in answer.body, named(route)


# -- where the server goes, what it unpacks, and what stands in addresses ------------------------------


@some_or_all
def test_no_address_that_a_request_names_is_connected_to(server, monkeypatch, of):
    """Neither by what is asked, nor by a place that a client says its files lie at."""
    reached: list[object] = []

    def connect(self: socket.socket, address: object) -> None:
        reached.append(address)
        raise OSError("no connection is made by a test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    texts = (
        "http://127.0.0.1:1/x", "http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]/", "http://2130706433/",
        "s3://bucket/x", "file:///etc/hostname", "//example.org/x",
    )  # fmt: skip
    for route in WHOLE:
        for text in some(texts, route, min(of, 3)):
            answer = called(server, route, text)
            assert answer.status < 500, (route.path, text)
    assert reached == []


def test_nothing_that_is_sent_is_unpacked():
    forbidden = {"extractall", "extract", "unpack_archive"}
    source = Path(anew.__file__).parent
    for room in ("server", "query", "reading", "sync"):
        for file in (source / room).rglob("*.py"):
            text = file.read_text()
            if not any(name in text for name in forbidden):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    assert node.func.attr not in forbidden, f"{file}:{node.lineno}"


@pytest.mark.parametrize("name", ["token", "access_token", "key", "link", "share", "anew_session"])
def test_no_credential_is_taken_from_an_address(closed, name):
    for path in (f"{API}/about", f"{API}/experiments", f"{API}/tokens", "/metrics"):
        assert closed.send("GET", f"{path}?{name}={closed.token}").status == 401
    shown = {"Authorization": f"Bearer {closed.token}"}
    assert closed.send("GET", f"{API}/about", shown).status == 200


def test_what_the_server_keeps_for_itself_is_readable_by_nobody_else(place, tmp_path):
    before = os.umask(0)
    try:
        accounts = Accounts(str(tmp_path))
        accounts.create_token("x", Role.READER)
        accounts.audit.note("x", "y", "z")
        accounts.close()
    finally:
        os.umask(before)
    for path in (tmp_path / ".anew" / "server").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path

"""A part of a root as somebody may see it: every answer is that of a root that has nothing else."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from anew import Experiment, Store
from anew.errors import AnewError, NotAllowed, NotFound
from anew.query.changes import ChangesQuestion
from anew.query.content import ContentQuestion
from anew.query.documents import DocumentsQuestion
from anew.query.edits import AppendQuestion
from anew.query.lines import LinesQuestion
from anew.query.panel import PanelQuestion
from anew.query.points import PointsQuestion
from anew.query.question import FactsQuestion, NamesQuestion, ask, parse_field
from anew.query.references import ResolveQuestion
from anew.query.scope import Scope, project_of
from anew.reading.backend import Backend
from anew.reading.local.opening import open_folder
from anew.reading.wire import encode
from anew.record.edits import (
    AliasEdit,
    CaptureEdit,
    ClaimEdit,
    DeleteEdit,
    DocumentEdit,
    FieldEdit,
    MoveEdit,
    ParamsEdit,
    RestoreEdit,
    SinkEdit,
    TagsEdit,
    VersionEdit,
)

NOW = 1_790_000_000.0
PREFIXES = [
    "lab/vision/resnet", "lab/vision/runs/resnet", "lab/audio/secret", "lab/top", "other/vision/hidden", "alone", "lab/vision/vae",
    "other/resnet",
]  # fmt: skip
SCOPES = [
    Scope(("lab/vision",)), Scope(("lab/*",)), Scope(("lab/*",), "*/vision"), Scope(("other/*", "lab")), Scope(()), Scope(("~al",)),
]  # fmt: skip
METHODS = {
    "about", "resolve", "select", "facts", "names", "points", "panel", "lines", "open", "documents", "append", "changes",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "store"
    patch = pytest.MonkeyPatch()
    patch.setenv("ANEW_USER", "al")
    for number, prefix in enumerate(PREFIXES):
        name = prefix.replace("/", "-")
        with Experiment(prefix=prefix, root=str(folder), quiet=True, system_metrics=0) as exp:
            exp.params.set(**{"lr": number / 10, f"only_{name}": number})
            exp.add_tags({"team": name})
            for step in range(4):
                exp.log_metrics(
                    {"loss": 1.0 / (step + number + 1), f"metric_{name}": step}, step=step
                )
            exp.log(f"a message of {name}")
            exp.files("docs").save_text(f"text of {name}", "note.txt")
    patch.undo()
    with Store(folder) as store:
        edits = [
            DocumentEdit(kind="view", name=f"view {scope}", body={"of": scope}, scope=scope)
            for scope in (
                "root",
                "project/lab/vision",
                "project/other/vision",
                "user/al",
                "user/bo",
            )
        ]
        more = [
            VersionEdit(kind="model", name="m", number=1, target="x", scope=scope)
            for scope in ("root", "project/lab/vision", "project/lab/audio")
        ]
        aliases = [
            AliasEdit(kind="model", name="m", alias="best", number=1, scope=one.scope)
            for one in more
        ]
        store.backend.append(AppendQuestion((*edits, *more, *aliases)))
    return folder


def part_of(root: Path, scope: Scope, target: Path) -> str:
    """A copy of a root that has only what a scope has."""
    shutil.copytree(
        root,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns("experiments.db*", "series", "packs"),
    )
    hidden = [one for one in PREFIXES if not scope.has(project_of(one, "al"))]
    for prefix in hidden:
        shutil.rmtree(target / prefix)
    for file in (target / ".anew" / "root").glob("*.jsonl"):
        kept = []
        for line in file.read_bytes().splitlines(keepends=True):
            told = json.loads(line)
            where = told.get("scope", "root")
            beside = told.get("k") in ("document", "version", "alias")
            theirs = where == "user/al" or scope.has(where.removeprefix("project/"))
            if (theirs or not beside) and told.get("prefix") not in hidden:
                kept.append(line)
        file.write_bytes(b"".join(kept))
    return str(target)


def asked(backend: Backend, ids: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Questions to every method that only looks, about everything in the whole root; the answers, or the errors as they are told."""
    every = tuple(ids.values())
    refs = [
        *every,
        *(one[:4] for one in every),
        *PREFIXES,
        "resnet",
        "hidden",
        "secre",
        "lab/vision/resnte",
        "other/vision/hiden",
        "vae",
        "",
    ]
    columns = ["name", "params", "metrics", "tags", "params.lr", "metrics.loss.min"]

    def select(filter: str | None = None, **more: Any) -> Callable[[], Any]:
        return lambda: backend.select(ask(filter, now=NOW, **more))

    calls: list[tuple[str, Callable[[], Any]]] = [
        ("about", lambda: msgspec.structs.replace(backend.about(), where="", root=None, user="")),
        ("resolve", lambda: backend.resolve(ResolveQuestion(tuple(refs)))),
        ("select", select(sort="id", columns=columns, total=True)),
        ("select", select("metrics.loss < 0.4", sort="-metrics.loss", limit=1, total=True)),
        ("select", select("params.only_alone > 1", sort="id")),
        ("select", select("params.only_lab-vision-vae > 1", sort="id")),
        ("select", select("metrics.metric_other > 1")),
        ("select", select("tags.team == 'alone' or not prefix contains 'lab'", sort="id", total=True)),
        ("select", select(group=["project"])),
        ("facts", lambda: backend.facts(FactsQuestion(ids=every, parts=frozenset({"state", "metrics", "files", "values", "problems"}), now=NOW))),
        *(("names", lambda kind=kind: backend.names(NamesQuestion(kind=kind, counts=True))) for kind in ("param", "config", "metric", "tag")),
        *(("names", lambda f=f: backend.names(NamesQuestion(kind="value", field=parse_field(f), now=NOW))) for f in ("name", "owner", "project", "tags.team", "user")),
        ("points", lambda: backend.points(PointsQuestion(ids=every))),
        ("panel", lambda: backend.panel(PanelQuestion(ids=every, metrics=("loss",), buckets=4))),
        ("panel", lambda: backend.panel(PanelQuestion(select=ask(sort="id", now=NOW), metrics=("loss",), buckets=4, group=(parse_field("project"),)))),
        *(("lines", lambda one=one: backend.lines(LinesQuestion(id=one))) for one in every),
        *(("open", lambda one=one: backend.open(ContentQuestion(id=one, kind="file", name=FILES[one]))) for one in every),
        *(("documents", lambda what=what: backend.documents(DocumentsQuestion(what=what))) for what in ("document", "version", "alias")),
        ("documents", lambda: backend.documents(DocumentsQuestion(scope="project/other/vision"))),
        ("changes", lambda: (backend.changes(ChangesQuestion()).ids, backend.changes(ChangesQuestion("x")).everything)),
    ]  # fmt: skip
    for method, call in calls:
        try:
            yield method, bytes(encode(call()))
        except AnewError as error:
            yield method, f"{type(error).__name__}: {error} {vars(error)}"


FILES: dict[str, str] = {}


@pytest.fixture(scope="module")
def ids(root: Path) -> dict[str, str]:
    with Store(root) as store:
        found = {view.prefix: view.id for view in store.list()}
        question = FactsQuestion(ids=tuple(found.values()), parts=frozenset({"files"}), now=NOW)
        FILES.update({one.id: one.files[0].path for one in store.backend.facts(question)})
    assert len(found) == len(PREFIXES)
    return found


def shaped(answers: Iterator[tuple[str, Any]], root: str) -> list[tuple[str, Any]]:
    return [
        (method, answer.replace(root, "ROOT") if isinstance(answer, str) else answer)
        for method, answer in answers
    ]


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_every_answer_is_that_of_a_root_that_has_nothing_else(root, ids, scope, tmp_path):
    whole, part = open_folder(str(root)), open_folder(part_of(root, scope, tmp_path / "part"))
    try:
        theirs = shaped(asked(whole.within(scope, "al")[0], ids), str(root))
        alone = shaped(asked(part.backend, ids), str(tmp_path / "part"))
        for (method, answer), (_, expected) in zip(theirs, alone, strict=True):
            assert answer == expected, method
        assert {method for method, _ in theirs} | {"append"} == METHODS
    finally:
        whole.close()
        part.close()


def test_what_concerns_the_whole_root_is_for_who_sees_all_of_it_and_each_user_has_their_own(root):
    opened = open_folder(str(root))

    def documents(scope: Scope | None, name: str) -> set[str]:
        found = opened.within(scope, name)[0].documents(DocumentsQuestion())
        return {one.scope for one in found.documents}

    assert documents(None, "al") == {
        "root",
        "project/lab/vision",
        "project/other/vision",
        "user/al",
    }
    assert documents(Scope(("lab/*",)), "bo") == {"project/lab/vision", "user/bo"}
    assert documents(Scope(()), "cy") == set()
    assert len(opened.backend.documents(DocumentsQuestion()).documents) == 5
    opened.close()


def test_the_trash_the_bytes_and_archives_are_those_of_a_part(root, ids, tmp_path):
    opened = open_folder(str(root))
    backend, upkeep = opened.within(Scope(("lab/vision",)), "al")
    mine = {ids[one] for one in ("lab/vision/resnet", "lab/vision/runs/resnet", "lab/vision/vae")}
    assert set(upkeep.du().by_experiment) == mine
    assert set(upkeep.du(list(ids.values())).by_experiment) == mine
    upkeep.archive(list(ids.values()), str(tmp_path / "x.zip"), whole=True)
    names = zipfile.ZipFile(tmp_path / "x.zip").namelist()
    assert {name.split("/")[1] for name in names if name.startswith("lab/")} == {"vision"}
    assert not [name for name in names if name.startswith(("other", "alone"))]
    said = [name for name in names if name.startswith(".anew")]
    told = b"".join(zipfile.ZipFile(tmp_path / "x.zip").read(name) for name in said)
    assert b"lab/vision" in told
    assert b"other/vision" not in told
    opened.backend.append(
        AppendQuestion(
            (DeleteEdit(id=ids["other/vision/hidden"]), DeleteEdit(id=ids["lab/vision/vae"]))
        )
    )
    assert [one.prefix for one in upkeep.trash()] == ["lab/vision/vae"]
    assert opened.within(Scope(()), "al")[1].trash() == []
    for id_ in (ids["other/vision/hidden"], "0" * 12):
        with pytest.raises(NotFound) as raised:
            backend.append(AppendQuestion((RestoreEdit(id=id_),)))
        assert str(raised.value).replace(id_, "ID") == "There is no experiment 'ID' in the trash."
    both = (RestoreEdit(id=ids["lab/vision/vae"]),)
    backend.append(AppendQuestion(both))
    opened.backend.append(AppendQuestion((RestoreEdit(id=ids["other/vision/hidden"]),)))
    opened.close()


@pytest.mark.parametrize(
    "edit",
    [
        TagsEdit(id="", add={"x": None}), FieldEdit(id="", field="notes", value="x"), ParamsEdit(id="", params={"x": 1}),
        CaptureEdit(id="", what="x", data={}), DeleteEdit(id=""), MoveEdit(id="", prefix="lab/vision/moved"),
    ],
    ids=lambda edit: type(edit).__name__,
)  # fmt: skip
def test_what_may_not_be_seen_cannot_be_changed_in_the_words_for_what_is_not_there(root, ids, edit):
    opened = open_folder(str(root))
    backend = opened.within(Scope(("lab/vision",)), "al")[0]
    told = []
    for id_ in (ids["other/vision/hidden"], "0" * 12):
        with pytest.raises(NotFound) as raised:
            backend.append(AppendQuestion((msgspec.structs.replace(edit, id=id_),)))
        told.append(str(raised.value).replace(id_, "ID"))
    assert told[0] == told[1]
    (facts,) = opened.backend.facts(
        FactsQuestion(ids=(ids["other/vision/hidden"],), parts=frozenset({"state"}), now=NOW)
    )
    assert (facts.notes, facts.state.tags, facts.prefix) == (
        None,
        {"team": "other-vision-hidden"},
        "other/vision/hidden",
    )
    opened.close()


@pytest.mark.parametrize(
    "edit",
    [
        DocumentEdit(kind="view", name="x", body={}), DocumentEdit(kind="view", name="x", body={}, scope="project/other/vision"),
        DocumentEdit(kind="view", name="x", body={}, scope="user/bo"), ClaimEdit(kind="m", name="x"),
        VersionEdit(kind="m", name="x", number=1, target="x", scope="project/other"),
        AliasEdit(kind="m", name="x", alias="y", number=1, scope="project/lab"), SinkEdit(name="x"),
    ],
    ids=str,
)  # fmt: skip
def test_documents_of_others_cannot_be_written(root, edit):
    opened = open_folder(str(root))
    backend = opened.within(Scope(("lab/vision",)), "al")[0]
    with pytest.raises(NotAllowed):
        backend.append(AppendQuestion((edit,)))
    opened.close()


def test_what_is_written_names_who_wrote_it(root):
    opened = open_folder(str(root))
    for name in ("al", "bo"):
        edit = DocumentEdit(kind="goal", name=name, body={}, scope=f"user/{name}")
        opened.within(Scope(("lab/vision",)), name)[0].append(AppendQuestion((edit,)))
    found = opened.backend.documents(DocumentsQuestion(kind="goal")).documents
    assert {one.name: one.user for one in found} == {"al": "al", "bo": "bo"}
    opened.close()

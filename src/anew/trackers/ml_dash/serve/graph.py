"""The part of ml-dash's GraphQL that its client asks: who one is, projects, the tree of a project, experiments and their files."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ....errors import NotFound
from ....record.facts import ExperimentFacts
from ....record.plain import flatten, from_plain
from ..translate import METADATA, TRACKS, iso, tags_of
from .nodes import Node
from .reading import KnownFile, Reader
from .service import Asker

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo, GraphQLSchema

__all__ = ["answer"]

_MOST = 2000
_TOKENS = 2000
_SCHEMA = """
scalar JSON
enum ExperimentStatus { PENDING RUNNING COMPLETED FAILED CANCELLED }
type Query {
  me: User
  namespace(slug: String!): Namespace
  project(id: ID, namespaceSlug: String, projectSlug: String): Project
  projectsPaginated(namespaceSlug: String, limit: Int = 50, offset: Int = 0): ProjectPage!
  experiment(namespaceSlug: String, projectSlug: String!, experimentName: String!): Experiment
  experimentById(id: ID!): Experiment
  experimentNode(experimentId: ID!): Node
  experimentsPaginated(namespaceSlug: String, projectSlug: String!, status: ExperimentStatus, limit: Int = 50, offset: Int = 0): ExperimentPage!
  searchExperimentsPaginated(pattern: String!, limit: Int = 50, offset: Int = 0): ExperimentPage!
}
type User { id: ID!, username: String!, email: String, name: String, given_name: String, family_name: String, picture: String }
type Namespace { id: ID!, slug: String!, projects: [Project!]! }
type Project {
  id: ID!, slug: String!, name: String!, description: String, tags: [String!]!, experimentCount: Int!, namespace: Namespace!
  nodes(parentId: ID, maxDepth: Int): [Node!]!
}
type ProjectPage { projects: [Project!]!, totalCount: Int!, hasMore: Boolean! }
type Node { id: ID!, type: String!, name: String!, pPath: String, parentId: ID, experimentId: ID, children: [Node!]! }
type Experiment {
  id: ID!, name: String!, description: String, tags: [String!]!, status: ExperimentStatus!, startedAt: String, endedAt: String
  metadata: JSON, projectId: ID!, project: Project!, metrics: [Metric!]!, files: [File!]!, parameters: Parameters
  filesPaginated(limit: Int = 500, offset: Int = 0): FilePage!, trackCount: Int!, displayPath: String!
}
type ExperimentPage { experiments: [Experiment!]!, totalCount: Int!, hasMore: Boolean! }
type Metric { name: String! }
type Parameters { id: ID!, data: JSON! }
type FilePage { files: [File!]!, totalCount: Int!, hasMore: Boolean! }
type File {
  id: ID!, name: String!, pPath: String, description: String, tags: [String!]!, metadata: JSON, createdAt: String
  physicalFile: PhysicalFile!
}
type PhysicalFile { id: ID!, filename: String!, contentType: String, sizeBytes: Float!, checksum: String, s3Url: String }
"""


def answer(who: Asker, query: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The answer to a query, with its errors as GraphQL has them."""
    from graphql import GraphQLError, execute_sync, parse, validate
    from graphql.validation import NoUnusedVariablesRule, specified_rules

    try:
        document = parse(query, max_tokens=_TOKENS)
        # The client has a query with a variable that it does not use.
        rules = [rule for rule in specified_rules if rule is not NoUnusedVariablesRule]
        errors = validate(_schema(), document, rules, max_errors=5)
    except GraphQLError as error:
        errors = [error]
    if errors:
        return {"errors": [{"message": error.message} for error in errors]}
    found = execute_sync(
        _schema(), document, root_value=_Query(who), variable_values=dict(variables or {})
    )
    if found.errors:
        said = [_message(error) for error in found.errors]
        return {"data": found.data, "errors": [{"message": text} for text in said]}
    _name_files(found.data)
    return {"data": found.data}


def _message(error: Any) -> str:
    original = error.original_error
    if original is None or isinstance(original, (NotFound, ValueError)):
        return str(original.args[0] if original else error.message)
    raise original


@functools.cache
def _schema() -> GraphQLSchema:
    from graphql import build_schema

    return build_schema(_SCHEMA)


def _name_files(data: Any) -> None:
    """Add what the client reads of the files in a list without asking for it: their names and folders, to match a pattern."""
    page = ((data or {}).get("experimentById") or {}).get("filesPaginated") or {}
    for file in page.get("files") or ():
        path = file.get("pPath") or ""
        file["filename"], file["path"] = file.get("name"), path.rpartition("/")[0]


class _Query:
    """The fields of the root."""

    def __init__(self, who: Asker) -> None:
        self._who = who
        self._reader = who.reader

    def me(self, info: GraphQLResolveInfo) -> dict[str, Any]:
        name = self._who.name or "anonymous"
        return {"id": name, "username": name, "name": name}

    def namespace(self, info: GraphQLResolveInfo, slug: str) -> _Namespace:
        return _Namespace(self._reader, slug)

    def project(
        self,
        info: GraphQLResolveInfo,
        id: str | None = None,
        namespaceSlug: str | None = None,
        projectSlug: str | None = None,
    ) -> _Project | None:
        from .nodes import read_node

        owner, slug = namespaceSlug, projectSlug
        if id is not None:
            owner, _, slug = read_node(id).path.partition("/")
        if owner is None or slug is None:
            return None
        return _Project(self._reader, owner, slug)

    def projectsPaginated(
        self, info: GraphQLResolveInfo, limit: int, offset: int, namespaceSlug: str | None = None
    ) -> dict[str, Any]:
        found = [
            _Project(self._reader, owner, slug, count)
            for (owner, slug), count in sorted(self._reader.projects(namespaceSlug).items())
        ]
        return _page("projects", found, limit, offset)

    def experiment(
        self,
        info: GraphQLResolveInfo,
        projectSlug: str,
        experimentName: str,
        namespaceSlug: str | None = None,
    ) -> _Experiment | None:
        equal = [("project", projectSlug), ("name", experimentName)]
        if namespaceSlug is not None:
            equal.append(("owner", namespaceSlug))
        found, _ = self._reader.experiments(*equal, limit=1, parts=("state",))
        return _Experiment(self._reader, found[0]) if found else None

    def experimentById(self, info: GraphQLResolveInfo, id: str) -> _Experiment:
        return _Experiment(self._reader, self._reader.facts(id, "state"))

    def experimentNode(self, info: GraphQLResolveInfo, experimentId: str) -> dict[str, Any]:
        return _node(self._reader.facts(experimentId))

    def experimentsPaginated(
        self, info: GraphQLResolveInfo, projectSlug: str, limit: int, offset: int,
        namespaceSlug: str | None = None, status: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        equal = [("project", projectSlug)]
        if namespaceSlug is not None:
            equal.append(("owner", namespaceSlug))
        if status is not None:
            equal.append(("status", status.lower()))
        limit, offset = max(0, min(limit, _MOST)), max(0, offset)
        found, total = self._reader.experiments(
            *equal, limit=limit, offset=offset, parts=("state",)
        )
        return {
            "experiments": [_Experiment(self._reader, one) for one in found],
            "totalCount": total,
            "hasMore": offset + len(found) < total,
        }

    def searchExperimentsPaginated(
        self, info: GraphQLResolveInfo, pattern: str, limit: int, offset: int
    ) -> dict[str, Any]:
        owner, _, rest = pattern.partition("/")
        equal = [] if set("*?[") & set(owner) or not rest else [("owner", owner)]
        found, _ = self._reader.experiments(*equal, parts=("state",))
        fitting = [_Experiment(self._reader, one) for one in found if _fits(one.prefix, pattern)]
        return _page("experiments", fitting, limit, offset)


class _Namespace:
    def __init__(self, reader: Reader, slug: str) -> None:
        self._reader = reader
        self.id = self.slug = slug

    def projects(self, info: GraphQLResolveInfo) -> list[_Project]:
        found = self._reader.projects(self.slug)
        return [_Project(self._reader, owner, slug, n) for (owner, slug), n in found.items()]


class _Project:
    description = None
    tags: tuple[str, ...] = ()

    def __init__(self, reader: Reader, owner: str, slug: str, count: int | None = None) -> None:
        self._reader = reader
        self._owner = owner
        self._count = count
        self.id = Node("prj", path=f"{owner}/{slug}").id
        self.slug = self.name = slug

    def namespace(self, info: GraphQLResolveInfo) -> _Namespace:
        return _Namespace(self._reader, self._owner)

    def experimentCount(self, info: GraphQLResolveInfo) -> int:
        if self._count is None:
            self._count = self._reader.projects(self._owner).get((self._owner, self.slug), 0)
        return self._count

    def nodes(
        self, info: GraphQLResolveInfo, parentId: str | None = None, maxDepth: int | None = None
    ) -> list[dict[str, Any]]:
        """The tree of folders and experiments: of the newest experiments, where there are very many."""
        above = f"{self._owner}/{self.slug}"
        found, _ = self._reader.experiments(
            ("owner", self._owner), ("project", self.slug), limit=_MOST
        )
        top: dict[str, Any] = {"children": []}
        folders: dict[str, dict[str, Any]] = {above: top}
        for one in found:
            folder = above
            for name in one.prefix.split("/")[2:-1]:
                inside = f"{folder}/{name}"
                if inside not in folders:
                    node = Node("dir", path=inside)
                    folders[inside] = {
                        "id": node.id, "type": "FOLDER", "name": name, "pPath": inside, "parentId": folders[folder].get("id"),
                        "experimentId": None, "children": [],
                    }  # fmt: skip
                    folders[folder]["children"].append(folders[inside])
                folder = inside
            folders[folder]["children"].append(_node(one, folders[folder].get("id")))
        children: list[dict[str, Any]] = top["children"]
        return children


class _Experiment:
    def __init__(self, reader: Reader, facts: ExperimentFacts) -> None:
        assert facts.state is not None
        self._reader = reader
        self._facts = facts
        self._state = facts.state
        self.id, self.name, self.description = facts.id, facts.name, facts.description
        self.tags = tags_of(facts.state.tags)
        self.status = facts.status.upper()
        self.startedAt = None if facts.started_at is None else iso(facts.started_at)
        self.endedAt = None if facts.ended_at is None else iso(facts.ended_at)
        self.metadata = facts.state.captured.get(METADATA)
        self.displayPath = facts.prefix
        self.trackCount = len(facts.state.captured.get(TRACKS) or {})
        self.projectId = Node("prj", path="/".join(facts.prefix.split("/")[:2])).id

    def project(self, info: GraphQLResolveInfo) -> _Project:
        owner, _, rest = self._facts.prefix.partition("/")
        return _Project(self._reader, owner, rest.partition("/")[0])

    def metrics(self, info: GraphQLResolveInfo) -> list[dict[str, Any]]:
        return [{"name": one.name} for one in self._reader.metrics(self.id)]

    def files(self, info: GraphQLResolveInfo) -> list[dict[str, Any]]:
        if not self._facts.file_count:
            return []
        return [_file(one) for one in self._reader.files(self.id)]

    def filesPaginated(self, info: GraphQLResolveInfo, limit: int, offset: int) -> dict[str, Any]:
        return _page("files", self.files(info), limit, offset)

    def parameters(self, info: GraphQLResolveInfo) -> dict[str, Any] | None:
        params = {key: from_plain(value) for key, value in flatten(self._state.params).items()}
        return {"id": f"{self.id}:parameters", "data": params} if params else None


def _node(facts: ExperimentFacts, parent: str | None = None) -> dict[str, Any]:
    return {
        "id": Node("exp", facts.id).id, "type": "EXPERIMENT", "name": facts.prefix.rpartition("/")[2],
        "pPath": facts.prefix, "parentId": parent, "experimentId": facts.id, "children": [],
    }  # fmt: skip


def _file(file: KnownFile) -> dict[str, Any]:
    node = file.answer()
    physical = node.physical_file
    return {
        "id": node.id, "name": node.name, "pPath": node.p_path, "description": node.description, "tags": node.tags,
        "metadata": node.metadata, "createdAt": node.created_at,
        "physicalFile": {
            "id": physical.id, "filename": physical.filename, "contentType": physical.content_type,
            "sizeBytes": physical.size_bytes, "checksum": physical.checksum, "s3Url": None,
        },
    }  # fmt: skip


def _page(name: str, found: list[Any], limit: int, offset: int) -> dict[str, Any]:
    offset = max(0, offset)
    page = found[offset : offset + max(0, min(limit, _MOST))]
    return {name: page, "totalCount": len(found), "hasMore": offset + len(page) < len(found)}


def _fits(prefix: str, pattern: str) -> bool:
    """Whether an experiment fits `namespace/project/experiment`: by its whole path, or without the folders between."""
    parts = prefix.split("/")
    short = "/".join([*parts[:2], parts[-1]])
    return fnmatchcase(prefix, pattern) or fnmatchcase(short, pattern)

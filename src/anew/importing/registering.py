"""Registered models of a source as models here: versions under their numbers, aliases, who made them and when.

What changes in a registry is compared by what the last import said of it, as with an experiment's tags: an alias that somebody moved
here stays where it is until it is moved there, and a model or version that was removed here does not come back. What an import said is kept as
an `extension` event beside the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from blake3 import blake3

from ..errors import InvalidName
from ..journal.documents import RootJournal
from ..journal.layout import RootLayout
from ..models.names import check_alias, check_model_name
from ..record.ids import new_id
from ..record.models import KIND, ModelFact, models_in, target_of
from ..record.root import Extension, RootEvent, RootState
from .source import Finding, SourceModel, SourceVersion

__all__ = ["Place", "bring_models"]

_DIALECT = "import"
_LONGEST = 200


class Place(NamedTuple):
    """Where an imported run is here: its experiment's id, and the project that it is of."""

    id: str
    project: str


def bring_models(
    kind: str, models: Iterable[SourceModel], layout: RootLayout, places: Mapping[str, Place]
) -> tuple[dict[str, int], list[Finding]]:
    """Bring registered models, and compare both sides; how many of what there are, and what is wrong.

    Args:
        kind: Of the source.
        places: Where runs are here, by their keys.

    Raises:
        OSError: The root cannot be written.
    """
    registry = _Registry(RootJournal(layout))
    counts = {"models": 0, "versions": 0}
    every = list(models)
    for model in every:
        counts["models"] += 1
        counts["versions"] += len(model.versions)
        one = _Bringing(kind, model, registry, places)
        one.bring()
        registry.findings += one.findings
    missing = registry.missing() if every else []
    return {name: count for name, count in counts.items() if count}, [*registry.findings, *missing]


class _Claim(NamedTuple):
    """What the source says of one thing: some event about the subject must say so too, whoever changed it here since."""

    subject: tuple[str, ...]
    what: str
    wanted: Mapping[str, Any]


class _Registry:
    """The registry as it is when the import begins, and what the import adds."""

    def __init__(self, journal: RootJournal) -> None:
        self.journal = journal
        self.state = journal.state()
        self.models = _by_key(self.state)
        self.taken = {
            (scope, one.name) for (scope, _), one in self.models.items() if one.deleted_at is None
        }
        self.findings: list[Finding] = []
        self.expected: list[tuple[SourceModel, list[_Claim]]] = []

    def missing(self) -> list[Finding]:
        """Read everything again, and say what the source says of its models and no event here does."""
        state = self.journal.state()
        found = []
        for model, claims in self.expected:
            gone = [
                what
                for subject, what, wanted in claims
                if not any(_says(event, wanted) for event in state.history(*subject))
            ]
            if gone:
                what = f"What is said there of {', '.join(gone)} is not here."
                found.append(Finding(f"the model {model.name}", what, True))
        return found


class _Bringing:
    """One model on its way."""

    def __init__(
        self, kind: str, model: SourceModel, registry: _Registry, places: Mapping[str, Place]
    ) -> None:
        self._model = model
        self._registry = registry
        self._places = places
        self._name = f"{kind}/{model.name}/{model.created:.3f}"[-_LONGEST:]
        self._why = f"imported from {kind}"
        self._heads = [
            one.id for one in registry.state.heads("extension", "root", _DIALECT, self._name)
        ]
        self.findings: list[Finding] = []
        self._claims: list[_Claim] = []

    def bring(self) -> None:
        """Write what is new."""
        said = self._said()
        if said is None:
            said = {"model": self._place()}
            self._say(said)  # first: a kill behind this line makes no second model
        scope, key, name = said["model"]
        here = self._registry.models.get((scope, key))
        if here is not None and here.deleted_at is not None:
            return  # it was deleted here, and stays so
        self._bring_document(scope, key, here.name if here else name, said, here is None)
        now: dict[str, Any] = {"model": [scope, key, name], "about": self._about(), "versions": {}}
        for version in self._model.versions:
            now["versions"][str(version.number)] = self._bring_version(scope, key, version, said)
        now["aliases"] = self._bring_aliases(scope, key, said)
        if now != said:
            self._say(now)
        self._registry.expected.append((self._model, self._claims))

    # -- what was said ------------------------------------------------------------------------------

    def _said(self) -> dict[str, Any] | None:
        """What the last import said of it; None if there was none."""
        for event in self._registry.state.heads("extension", "root", _DIALECT, self._name):
            data = event.data if isinstance(event, Extension) else {}
            place = data.get("model")
            if isinstance(place, list) and [type(one) for one in place] == [str] * 3:
                return {**data, **{part: _mapping(data, part) for part in ("versions", "aliases")}}
        return None

    def _say(self, data: dict[str, Any]) -> None:
        fields = {"dialect": _DIALECT, "name": self._name, "data": data}
        self._heads = [self._registry.journal.append("extension", fields, after=self._heads)]

    def _place(self) -> list[str]:
        """The scope, the key and the name of a model that was never here."""
        scope = next(
            (
                f"project/{place.project}"
                for version in self._model.versions
                if (place := self._places.get(version.run or "")) is not None
            ),
            "root",
        )
        name = self._free_name(scope)
        key = name if (scope, name) not in self._registry.models else f"{name}~{new_id()}"
        return [scope, key, name]

    def _free_name(self, scope: str) -> str:
        """What it is called here: its name, if that is one here and no other model has it."""
        given = self._model.name
        shown = "".join("-" if c in "/:@" or not c.isprintable() else c for c in given)
        wanted = shown.strip()[: _LONGEST - 10].strip() or "model"
        name, number = wanted, 2
        while (scope, name) in self._registry.taken:
            name, number = f"{wanted}~{number}", number + 1
        self._registry.taken.add((scope, check_model_name(name)))
        if name != given:
            what = f"It is called {name!r} here: its own name is another model's, or cannot be one."
            self.findings.append(Finding(f"the model {given}", what, False))
        return name

    # -- writing ------------------------------------------------------------------------------------

    def _about(self) -> str:
        return _digest([self._model.description, dict(self._model.tags)])

    def _bring_document(
        self, scope: str, key: str, name: str, said: Mapping[str, Any], is_new: bool
    ) -> None:
        body: dict[str, Any] = {} if key == name else {"key": key}
        if self._model.description:
            body["description"] = self._model.description
        if self._model.tags:
            body["tags"] = dict(self._model.tags)
        subject = ("document", scope, KIND, name)
        if name == said["model"][2]:  # under another name, somebody here has said something else
            self._claims.append(_Claim(subject, "the model itself", {"body": body}))
        if not is_new and said.get("about", self._about()) == self._about():
            return
        fields = {"kind": KIND, "name": name, "body": body}
        self._write("document", fields, scope, subject, self._model.created if is_new else None)

    def _bring_version(
        self, scope: str, key: str, version: SourceVersion, said: Mapping[str, Any]
    ) -> str:
        """Say what a version is, unless that was said before; a digest of it."""
        place = self._places.get(version.run or "")
        body: dict[str, Any] = {"points_to": version.points_to, "ref": version.ref}
        if place is None and version.points_to != "address":
            body = {"points_to": "address", "ref": version.source}
        for part in ("description", "tags", "extra"):
            if value := getattr(version, part):
                body[part] = value if isinstance(value, str) else dict(value)
        target = target_of(body["points_to"], body["ref"], place.id if place else None)
        digest = _digest([target, body])
        subject = ("version", scope, KIND, key, str(version.number))
        self._claims.append(
            _Claim(subject, f"version {version.number}", {"target": target, "body": body})
        )
        is_new = not self._registry.state.history(*subject)
        before = said.get("versions", {}).get(str(version.number))
        if is_new or before not in (None, digest):
            fields = {
                "kind": KIND, "name": key, "number": version.number, "target": target, "digest": None, "body": body,
                "why": self._why,
            }  # fmt: skip
            time = version.created if is_new else None
            self._write("version", fields, scope, subject, time, version.user)
        return digest

    def _bring_aliases(self, scope: str, key: str, said: Mapping[str, Any]) -> dict[str, int]:
        """Move the aliases that were moved there since the last import."""
        now: dict[str, int] = {}
        there = {version.number for version in self._model.versions}
        for alias, number in self._model.aliases.items():
            try:
                now[check_alias(alias)] = number
            except InvalidName as error:
                self.findings.append(Finding(f"the model {self._model.name}", str(error), True))
        for alias, number in now.items():
            if number not in there:
                continue
            subject = ("alias", scope, KIND, key, alias)
            self._claims.append(_Claim(subject, f"the alias {alias}", {"number": number}))
            if said.get("aliases", {}).get(alias) != number:
                self._point(scope, key, alias, number)
        for alias in said.get("aliases", {}):
            if alias not in now:
                self._point(scope, key, alias, None)
        return now

    def _point(self, scope: str, key: str, alias: str, number: int | None) -> None:
        subject = ("alias", scope, KIND, key, alias)
        heads = self._registry.state.heads(*subject)
        if [getattr(one, "number", None) for one in heads] == [number]:
            return
        said: dict[str, Any] = {"alias": alias, "number": number, "why": self._why, "body": {}}
        self._write("alias", {"kind": KIND, "name": key, **said}, scope, subject)

    def _write(
        self, tag: str, fields: dict[str, Any], scope: str, subject: tuple[str, ...], time: float | None = None, user: str = "",
    ) -> None:  # fmt: skip
        """Write an event: at the time and by the author that the source says, if it says any."""
        journal = self._registry.journal
        heads = [one.id for one in self._registry.state.heads(*subject)]
        with journal.written_by(user):
            journal.append(tag, fields, scope=scope, after=heads, t=time or None)


def _by_key(state: RootState) -> dict[tuple[str, str], ModelFact]:
    """All models, those that were deleted too, by scope and key."""
    return {
        (one.scope, one.key): one for gone in (True, False) for one in models_in(state, gone=gone)
    }


def _mapping(data: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = data.get(part)
    return found if isinstance(found, dict) else {}


def _says(event: RootEvent, wanted: Mapping[str, Any]) -> bool:
    return all(_digest(getattr(event, part, None)) == _digest(one) for part, one in wanted.items())


def _digest(said: Any) -> str:
    text = json.dumps(said, sort_keys=True, default=str)
    return blake3(text.encode("utf-8", "surrogatepass")).hexdigest(length=16)

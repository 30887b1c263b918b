"""`store.models`: registered models as objects."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Conflict, NotFound, NotVerified
from ..reading.files import FileView
from ..reading.views import ExperimentView
from ..record.models import AliasFact, ModelChange, ModelFact, VersionFact
from .names import parse_ref
from .pointing import files_of, scope_of, target_from
from .registry import Registry, version_of
from .verdicts import parse_requirement, verified

if TYPE_CHECKING:
    from ..query.edits import Appended, AppendQuestion
    from ..reading.backend import Backend
    from ..weights.bundle import Weights
    from ..weights.repository import Repository

__all__ = ["Model", "ModelVersion", "Models"]


class ModelVersion:
    """A version of a model, as it was when asked for; its `fact` has all that is known of it."""

    __slots__ = ("_models", "fact", "scope")

    def __init__(self, models: Models, fact: VersionFact, scope: str) -> None:
        self._models = models
        self.fact = fact
        self.scope = scope

    @property
    def model(self) -> str:
        """The model's name."""
        return self.fact.model

    @property
    def number(self) -> int:
        """Its number."""
        return self.fact.number

    @property
    def aliases(self) -> tuple[str, ...]:
        """The aliases that mean it."""
        return self.fact.aliases

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return dict(self.fact.tags)

    @property
    def description(self) -> str | None:
        """What there is to say about it."""
        return self.fact.description

    @property
    def digest(self) -> str | None:
        """A hash of what it points to."""
        return self.fact.digest

    @property
    def experiment(self) -> ExperimentView:
        """The experiment that it comes from.

        Raises:
            NotFound: None is known, or it was deleted.
        """
        fact = self.fact
        if fact.experiment is None:
            raise NotFound(
                f"{self} comes from no experiment: it points to {fact.ref}.", name=str(self)
            )
        if fact.experiment_gone is not None:
            how = {
                "deleted": f"was deleted; `anew restore {fact.experiment}` brings it back",
                "purged": "was deleted for good",
            }[fact.experiment_gone]
            raise NotFound(
                f"The experiment {fact.experiment} that {self} comes from {how}.",
                name=fact.experiment,
            )
        return self._models.find(fact.experiment)

    def files(self) -> list[FileView]:
        """Its files, where it points to files of an experiment; none for weights, an address or a whole experiment.

        Raises:
            NotFound: The experiment was deleted, or the files were freed.
            CorruptData: Other files lie there by now.
        """
        return files_of(self.fact, self.experiment) if self.fact.experiment else []

    def weights(self) -> Weights:
        """Its tensors by name: of a version of weights, or of its only file that holds tensors (safetensors, npz, a torch file).

        Raises:
            NotFound: It has none, or what it points to is gone.
            WeightsError: The file cannot be read as weights.
            MissingDependency: `anew[weights]` is not installed.
        """
        if self.fact.points_to == "weights":
            return self._models.repository().get_all_weights(self.fact.ref)
        from ..weights.files import load

        found = [one for one in self.files() if one.name.lower().endswith(_TENSORS)]
        if len(found) != 1:
            names = ", ".join(one.name for one in found)
            has = f"it has several: {names}" if found else f"it points to {self.fact.ref}"
            raise NotFound(f"{self} has no file of weights by itself; {has}.", name=str(self))
        file = found[0]
        with tempfile.TemporaryDirectory(prefix="anew-") as folder:
            # Checked against its hash, and read from a copy: tensors of a mapped file would need it to stay.
            return load(file.save(os.path.join(folder, os.path.basename(file.name))))

    def promote(
        self, alias: str, *, why: str | None = None, require: str | None = None
    ) -> AliasFact:
        """Have an alias, such as "production", mean this version from now on; see `Model.promote`."""
        return self._models.promote(self.fact, self.scope, alias, why, require)

    def describe(self, description: str | None) -> ModelVersion:
        """Set its description; None removes it."""
        return self._edited(description=description)

    def tag(self, add: Mapping[str, str] | None = None, remove: Sequence[str] = ()) -> ModelVersion:
        """Set and remove tags."""
        return self._edited(add=add, remove=remove)

    def _edited(self, **given: Any) -> ModelVersion:
        fact = self._models.registry.edit_version(str(self), scope=self.scope, **given)
        return ModelVersion(self._models, fact, self.scope)

    def withdraw(self, why: str | None = None) -> None:
        """Withdraw it: it is no longer listed, and no alias means it. `Model.restore` brings it back."""
        self._models.registry.withdraw(str(self), why, scope=self.scope)

    def __str__(self) -> str:
        return f"{self.model}:{self.number}"

    def __repr__(self) -> str:
        return f"ModelVersion({str(self)!r}, {self.fact.points_to} {self.fact.ref!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelVersion) and (str(self), self.scope) == (
            str(other),
            other.scope,
        )

    def __hash__(self) -> int:
        return hash((str(self), self.scope))


_TENSORS = (".safetensors", ".npz", ".npy", ".pt", ".pth")


class Model:
    """A registered model, as it was when asked for; its `fact` has all that is known of it."""

    __slots__ = ("_models", "fact")

    def __init__(self, models: Models, fact: ModelFact) -> None:
        self._models = models
        self.fact = fact

    @property
    def name(self) -> str:
        """Its name."""
        return self.fact.name

    @property
    def scope(self) -> str:
        """Whom it concerns: "root" (everybody) or "project/<prefix>"."""
        return self.fact.scope

    @property
    def description(self) -> str | None:
        """What there is to say about it."""
        return self.fact.description

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return dict(self.fact.tags)

    @property
    def versions(self) -> list[ModelVersion]:
        """Its versions, the oldest first."""
        return [ModelVersion(self._models, one, self.scope) for one in self.fact.versions]

    @property
    def aliases(self) -> dict[str, AliasFact]:
        """Its aliases: which version each means, and who moved it there, when and why."""
        return {one.alias: one for one in self.fact.aliases}

    @property
    def latest(self) -> ModelVersion:
        """Its newest version.

        Raises:
            NotFound: It has none.
        """
        return self._at(version_of(self.fact, None, "latest"))

    def __getitem__(self, which: int | str) -> ModelVersion:
        if isinstance(which, int):
            return self._at(version_of(self.fact, which, None))
        asked = parse_ref(f"{self.name}@{which}")
        return self._at(version_of(self.fact, asked.number, asked.alias))

    def _at(self, fact: VersionFact) -> ModelVersion:
        return ModelVersion(self._models, fact, self.scope)

    def history(self) -> tuple[ModelChange, ...]:
        """All that ever happened to it, in order: who registered, promoted, renamed or withdrew what, when and why."""
        return self._registry.model(self.name, scope=self.scope, history=True).history

    def promote(
        self, which: int | str, alias: str, *, why: str | None = None, require: str | None = None
    ) -> AliasFact:
        """Have an alias, such as "production", mean a version from now on.

        Args:
            which: The number of the version, or another alias that means it.
            why: Why, for the history.
            require: Demand that the experiment's results came back when it was run again: "identical", "within" (whatever
                tolerance the re-run was held against), "within:1e-3" or "within:rtol=1e-3,atol=1e-6".

        Raises:
            NotFound: There is no such version.
            NotVerified: No re-run has the verdict that is demanded; `command` may bring it.
            InvalidName: It is no alias.
            InvalidValue: `require` says something else.
        """
        return self[which].promote(alias, why=why, require=require)

    def demote(self, alias: str, *, why: str | None = None) -> None:
        """Take an alias away.

        Raises:
            NotFound: It has no such alias.
        """
        self._registry.unpoint(self.name, alias, why=why, scope=self.scope)

    def describe(self, description: str | None) -> Model:
        """Set the description; None removes it."""
        return Model(
            self._models, self._registry.describe(self.name, description, scope=self.scope)
        )

    def tag(self, add: Mapping[str, str] | None = None, remove: Sequence[str] = ()) -> Model:
        """Set and remove tags."""
        return Model(self._models, self._registry.tag(self.name, add, remove, scope=self.scope))

    def rename(self, name: str) -> Model:
        """Give it another name; versions, aliases and history stay.

        Raises:
            Conflict: There is a model of that name.
        """
        return Model(self._models, self._registry.rename(self.name, name, scope=self.scope))

    def delete(self) -> None:
        """Delete it; `store.models.restore` brings it back with everything that belongs to it."""
        self._registry.delete(self.name, scope=self.scope)

    def restore(self, number: int) -> ModelVersion:
        """Bring a version back that was withdrawn.

        Raises:
            NotFound: None of that number was.
        """
        ref = f"{self.name}:{number}"
        return self._at(self._registry.restore_version(ref, scope=self.scope))

    @property
    def _registry(self) -> Registry:
        return self._models.registry

    def __repr__(self) -> str:
        return f"Model({self.name!r}, versions={len(self.fact.versions)})"


class Models:
    """All registered models of a store: `store.models["vit"]`, `store.models["vit@production"]`, `store.models["vit:3"]`.

    Iterating gives the models by name.

    Args:
        find: Finds an experiment by whatever names it.
        repository: Opens the store's repository of weights.
        append: As of a `Registry`.

    Attributes:
        registry: The same over facts instead of objects.
    """

    def __init__(
        self,
        backend: Backend,
        find: Callable[[str], ExperimentView],
        repository: Callable[[], Repository],
        *,
        append: Callable[[AppendQuestion], Appended] | None = None,
    ) -> None:
        self.registry = Registry(backend, append=append)
        self.find = find
        self.repository = repository
        self._backend = backend

    def __iter__(self) -> Iterator[Model]:
        return iter([Model(self, one) for one in self.registry.models()])

    def __len__(self) -> int:
        return len(self.registry.models())

    def __bool__(self) -> bool:
        return True  # a registry without models is still one

    def __contains__(self, ref: object) -> bool:
        try:
            self[ref]  # type: ignore[index]  # what it cannot be is not in it
        except (NotFound, ValueError):
            return False
        return True

    def __getitem__(self, ref: str) -> Any:
        """The model of a name, or the version that `name:3` or `name@alias` means.

        Raises:
            NotFound: There is none; `nearest` are likely meanings.
            Ambiguous: Models of several projects have that name.
            InvalidName: It is no name of a model.
        """
        asked = parse_ref(ref)
        if asked.number is None and asked.alias is None:
            return self.get(ref)
        return self.version(ref)

    def get(self, name: str) -> Model:
        """The model of a name, or of `project/name`; raises as `[]`."""
        return Model(self, self.registry.model(name))

    def version(self, ref: str) -> ModelVersion:
        """The version that `name:3` or `name@alias` means; of a name alone the newest. Raises as `[]`."""
        model = self.registry.model(ref)
        asked = parse_ref(ref)
        alias = asked.alias or (None if asked.number is not None else "latest")
        return ModelVersion(self, version_of(model, asked.number, alias), model.scope)

    def create(
        self,
        name: str,
        *,
        project: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Model:
        """Make a model without versions; `register` makes the one it needs by itself.

        Args:
            project: The project whose members it concerns; everybody if not given.

        Raises:
            Conflict: There is one of that name.
            InvalidName: It cannot be called so.
        """
        scope = "root" if project is None else f"project/{project.strip('/')}"
        if project is None and self.registry.models(name):
            raise Conflict(f"There is a model {name!r} already.")
        made = self.registry.create(name, scope=scope, description=description, tags=tags)
        return Model(self, made)

    def register(
        self,
        name: str,
        target: object,
        *,
        why: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Make the next version of a model. A model that is not there is made, in the experiment's project.

        Args:
            target: What the version is: a file or saved folder (`exp.files.latest("*.pt")`), a commit of weights, an experiment, or
                a text: `EXPERIMENT:PATH`, `weights:VERSION`, `EXPERIMENT`, or an address such as `s3://bucket/model`.
            why: Why it was registered, for the history.
            extra: What a dialect has to remember about it, texts by names of its own.

        Raises:
            NotFound: What it is to point to is not there.
            InvalidName: The model cannot be called so.
            InvalidValue: The target is nothing that a version can point to.
        """
        found, view = target_from(target, self.find, self.repository)
        asked = parse_ref(name)
        there = self.registry.models(asked.name, scope=asked.scope)
        scope = None if there or asked.scope else scope_of(view)
        made = self.registry.register(
            name, found, scope=scope, description=description, tags=tags, why=why, extra=extra
        )
        model = self.registry.model(name, scope=scope)
        return ModelVersion(self, made, model.scope)

    def promote(
        self, fact: VersionFact, scope: str, alias: str, why: str | None, require: str | None
    ) -> AliasFact:
        """Have an alias mean a version, once what is demanded of it is met; see `Model.promote`."""
        evidence = None
        if require is not None:
            required = parse_requirement(require)
            if fact.experiment is None:
                raise NotVerified(
                    f"The promotion requires {required.text}, and {fact.model}:{fact.number} comes from no experiment that could be "
                    "run again.",
                    required=required.text,
                )
            evidence = verified(self._backend, fact.experiment, required)
        return self.registry.point(
            fact.model, alias, fact.number, why=why, scope=scope, evidence=evidence
        )

    def delete(self, name: str) -> None:
        """Delete a model; raises as `[]`."""
        self.get(name).delete()

    def restore(self, name: str, *, to: str | None = None) -> Model:
        """Bring a deleted model back, with its versions, aliases and history.

        Args:
            to: What to call it, if its name is another model's by now.

        Raises:
            NotFound: None of that name was deleted.
            Conflict: Its name is another model's by now.
        """
        return Model(self, self.registry.restore(name, name=to))

    def deleted(self) -> list[Model]:
        """The models that were deleted, by name."""
        return [Model(self, one) for one in self.registry.models(gone=True)]

    def __repr__(self) -> str:
        return f"Models({[one.name for one in self.registry.models()]!r})"

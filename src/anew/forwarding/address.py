"""Destinations of forwarding: which tracker, and with which options.

Used when an experiment is opened, so importing this loads nothing heavy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from ..address import local_folder
from ..errors import InvalidSetting
from ..record.secrets import mask_secrets, mask_text

__all__ = [
    "ADDRESSES",
    "Aim",
    "ClearML",
    "Destination",
    "MLflow",
    "TensorBoard",
    "WandB",
    "as_address",
    "as_addresses",
]


@dataclass(frozen=True)
class Destination:
    """A tracker to forward to. Options that are not given are taken from the tracker's own environment."""

    kind: ClassVar[str]
    main: ClassVar[str]
    """The field that stands after the colon in the written form: `mlflow:http://127.0.0.1:5000`."""

    @classmethod
    def at(cls, where: str) -> Destination:
        """The destination written `kind:where`."""
        return cls(**{cls.main: where})

    def plain(self) -> dict[str, Any]:
        """As plain JSON, which `as_address` reads back."""
        return {"to": self.kind, **{k: v for k, v in asdict(self).items() if v is not None}}

    def shown(self) -> dict[str, Any]:
        """The same without passwords, for records and people."""
        shown: dict[str, Any] = mask_secrets(self.plain())
        return shown

    def __str__(self) -> str:
        shown = {k: str(v) for k, v in self.shown().items() if k != "to"}
        if not shown:
            return self.kind
        where = self._where(shown)
        if where is not None and type(self).at(where).shown() == self.shown():
            return f"{self.kind}:{where}"
        return f"{self.kind}({', '.join(f'{k}={v}' for k, v in shown.items())})"

    def _where(self, shown: dict[str, str]) -> str | None:
        """The text after the colon, if it is enough to describe the destination."""
        return shown.get(self.main)


@dataclass(frozen=True)
class MLflow(Destination):
    """A run on an MLflow server or store.

    Args:
        tracking_uri: The server's URL, or that of a store; as `MLFLOW_TRACKING_URI` says if not given.
        experiment: The MLflow experiment; the experiment's project, or "Default", if not given.
    """

    kind = "mlflow"
    main = "tracking_uri"
    tracking_uri: str | None = None
    experiment: str | None = None

    def __post_init__(self) -> None:
        # MLflow reads its own addresses, but takes a path below a home folder for a folder called "~".
        if self.tracking_uri is not None and self.tracking_uri.startswith("~"):
            folder = local_folder(self.tracking_uri, what="tracking_uri", setting="forward_to")
            object.__setattr__(self, "tracking_uri", folder)


@dataclass(frozen=True)
class WandB(Destination):
    """A run of Weights & Biases.

    Args:
        project: Its project; the experiment's project, or "anew", if not given.
        entity: The user or team it belongs to.
        mode: "online" or "offline"; as `WANDB_MODE` says if not given.
        dir: The folder of offline runs; inside the experiment's folder if not given.
    """

    kind = "wandb"
    main = "project"
    project: str | None = None
    entity: str | None = None
    mode: str | None = None
    dir: str | None = None

    def __post_init__(self) -> None:
        _check_folder(self.dir, "dir")

    @classmethod
    def at(cls, where: str) -> WandB:
        """`wandb:offline`, `wandb:project` or `wandb:entity/project`."""
        if where in ("online", "offline"):
            return cls(mode=where)
        entity, slash, project = where.rpartition("/")
        return cls(project=project, entity=entity if slash else None)

    def _where(self, shown: dict[str, str]) -> str | None:
        if "entity" in shown and "project" in shown:
            return f"{shown['entity']}/{shown['project']}"
        return shown.get("project") or shown.get("mode")


@dataclass(frozen=True)
class TensorBoard(Destination):
    """Event files for TensorBoard.

    Args:
        log_dir: The folder that TensorBoard is started with; each experiment has its own below it, named by its prefix.
            Inside the experiment's folder if not given: `tensorboard --logdir experiments` shows them all.
    """

    kind = "tensorboard"
    main = "log_dir"
    log_dir: str | None = None

    def __post_init__(self) -> None:
        _check_folder(self.log_dir, "log_dir")


@dataclass(frozen=True)
class ClearML(Destination):
    """A task of ClearML.

    Args:
        project: Its project; the experiment's project, or "anew", if not given.
        mode: "online" or "offline"; as `CLEARML_OFFLINE_MODE` says if not given.
        dir: The folder of offline sessions; inside the experiment's folder if not given.
    """

    kind = "clearml"
    main = "project"
    project: str | None = None
    mode: str | None = None
    dir: str | None = None

    def __post_init__(self) -> None:
        _check_folder(self.dir, "dir")

    @classmethod
    def at(cls, where: str) -> ClearML:
        """`clearml:offline` or `clearml:project`."""
        return cls(mode=where) if where in ("online", "offline") else cls(project=where)

    def _where(self, shown: dict[str, str]) -> str | None:
        return shown.get("project") or shown.get("mode")


@dataclass(frozen=True)
class Aim(Destination):
    """A run of Aim.

    Args:
        repo: The folder that holds `.aim`, or the `aim://host:port` of a server; the working directory if not given.
        experiment: The Aim experiment; the experiment's project if not given.
    """

    kind = "aim"
    main = "repo"
    repo: str | None = None
    experiment: str | None = None

    def __post_init__(self) -> None:
        if not (self.repo or "").startswith("aim://"):
            _check_folder(self.repo, "Aim repository")


def _check_folder(given: str | None, what: str) -> None:
    """Refuse what is no folder of this machine where it is given, not when the first record is sent."""
    if given is not None:
        local_folder(given, what=what, setting="forward_to")


ADDRESSES: dict[str, type[Destination]] = {
    cls.kind: cls for cls in (Aim, ClearML, MLflow, TensorBoard, WandB)
}


def as_address(given: Any) -> Destination:
    """An address from what a user gives: itself, "mlflow", "mlflow:http://…", or a mapping with "to" and fields.

    Raises:
        InvalidSetting: There is no such tracker, or no such field.
    """
    if isinstance(given, Destination):
        return given
    known = ", ".join(ADDRESSES)
    if isinstance(given, str):
        kind, colon, where = given.strip().partition(":")
        cls = ADDRESSES.get(kind.lower())
        if cls is None or (colon and not where):
            raise InvalidSetting(
                f"forward_to has {mask_text(given)!r}, which is not a known tracker. Choose from "
                f"{known}, optionally followed by a colon and an address, "
                'such as "mlflow:http://127.0.0.1:5000".',
                setting="forward_to",
            )
        return cls.at(where) if colon else cls()
    if hasattr(given, "items"):
        options = dict(given)
        kind = str(options.pop("to", ""))
        cls = ADDRESSES.get(kind)
        if cls is None:
            raise InvalidSetting(
                f'forward_to has {kind!r}; a mapping needs "to", which must be one of {known}.',
                setting="forward_to",
            )
        names = {field.name for field in fields(cls)}
        wrong = [name for name in options if name not in names]
        if wrong:
            raise InvalidSetting(
                f"forward_to has {wrong[0]!r} for {kind}, whose options are {', '.join(sorted(names))}.",
                setting="forward_to",
            )
        return cls(**options)
    raise InvalidSetting(
        f"forward_to has a {type(given).__name__}. Give strings, mappings or targets from anew.forwarders.",
        setting="forward_to",
    )


def as_addresses(given: Any) -> list[Destination]:
    """Addresses from one or several of what `as_address` takes, each once.

    Raises:
        InvalidSetting: One of them is none.
    """
    several = given if isinstance(given, (list, tuple, set, frozenset)) else [given]
    return list(dict.fromkeys(as_address(one) for one in several))

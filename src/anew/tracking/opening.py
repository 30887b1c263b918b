"""What is given for an experiment, checked before anything is written, and what is written when it starts."""

from __future__ import annotations

import os

from ..errors import ConfigFrozen, InvalidValue
from ..record.secrets import mask_secrets
from ..record.status import Status
from ..settings import FOUND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .life import Life
    from .params import Params
    from .recording import Recording

__all__ = ["Given", "begin", "check", "check_parent", "frozen", "warn_of_changed_config"]


class Given:
    """What a program gives for an experiment before it starts; see the arguments of `Experiment`.

    `config_source` is the configuration as it was given, `config` what it was then; `params` are plain and nested;
    `parent` is a prefix, an id, or an experiment.
    """

    __slots__ = (
        "bindrs",
        "config",
        "config_source",
        "description",
        "notes",
        "params",
        "parent",
        "relation",
        "tags",
    )

    def __init__(self, config: Any) -> None:
        self.config_source = config
        self.config = frozen(config)
        self.params: dict[str, Any] = {}
        self.tags: dict[str, str | None] = {}
        self.bindrs: list[str] = []
        self.description: str | None = None
        self.notes: str | None = None
        self.parent: Any = None
        self.relation = "child"


def check_parent(given: Given) -> None:
    """Refuse what is no parent.

    Raises:
        InvalidValue: The parent is no experiment, prefix or id.
    """
    parent = given.parent
    if parent is not None and not isinstance(getattr(parent, "id", parent), str):
        raise InvalidValue(
            f"The parent must be an experiment, an id or a prefix, not {parent!r}.", key="parent"
        )


def check(given: Given, recording: Recording) -> None:
    """Refuse to continue an experiment with another configuration, where the settings say so.

    Raises:
        ConfigFrozen: Its configuration is another one.
    """
    if recording.settings.config_conflict == "refuse" and (keys := _differing(given, recording)):
        raise ConfigFrozen(
            f"The experiment {recording.prefix} has another configuration; {_listed(keys)}. "
            "It was not continued, because config_conflict is set to 'refuse'.",
            keys=keys,
        )


def _differing(given: Given, recording: Recording) -> list[str]:
    """The keys in which the configuration differs from the recorded one; none on ranks that follow another.

    A follower's configuration holds values of its own, such as its local rank; the lead's is the experiment's.
    """
    if given.config is None or recording.config is None or not recording.rank.is_lead:
        return []
    if recording.config_is_a_ranks:
        return []
    from .config import differences

    return differences(recording.config, mask_secrets(given.config))


def _listed(keys: list[str]) -> str:
    shown = ", ".join(keys[:5]) + (" …" if len(keys) > 5 else "")
    return f"{shown} {'differs' if len(keys) == 1 else 'differ'}"


def begin(given: Given, life: Life, recording: Recording, params: Params) -> None:
    """Write what is known at the start, and start the background work.

    Args:
        params: The parameters as the program sees them, which hold those that were recorded before.
    """
    is_lead = life.rank.is_lead
    differing = _differing(given, recording)
    if given.config is not None and (
        recording.config is None or differing or recording.config_is_a_ranks
    ):
        recording.set_config(mask_secrets(given.config))
    life.recording = life.last = recording
    life.status = Status.RUNNING
    about = recording.about
    if given.tags:
        recording.event("tags", add=given.tags)
        about["tags"] = about["tags"] | given.tags
    if given.bindrs:
        recording.event("bindrs", add=given.bindrs)
        about["bindrs"] = list(dict.fromkeys([*about["bindrs"], *given.bindrs]))
    for field, text in (("description", given.description), ("notes", given.notes)):
        if text is not None and text != about[field]:
            recording.event("field", field=field, value=text)
            about[field] = text
    if given.parent is not None:
        parent = given.parent if isinstance(given.parent, str) else given.parent.id
        recording.event("linked", parent=parent, relation=given.relation)
        about["parent"], about["relation"] = parent, given.relation

    if is_lead:
        _as_lead(given, recording, params)
        if recording.config is not None or recording.continued:
            # The configuration, and that an ended experiment runs again, are there from the start.
            recording.write_documents()
    elif recording.capturer is not None:

        def alone() -> None:
            _as_lead(given, recording, params)
            _forward(life, recording)

        recording.when_alone = alone
    recording.start_background()
    _forward(life, recording)
    if is_lead and not life.settings.quiet:
        from .summary import start_lines

        for line in start_lines(
            recording.prefix,
            recording.experiment_id,
            recording.layout.folder,
            recording.resumed or recording.joins,
            recording.root.root,
            found=life.settings.sources.get("root") == FOUND and not recording.joins,
            server=life.settings.server if life.settings.sync == "on" else "",
        ):
            life.say(line)
    if is_lead and (others := recording.beside()):
        other = others[-1]
        life.say(
            f"warning: {recording.prefix} is still being recorded by process {other.pid} on {other.host}"
            f"{f' and {len(others) - 1} more' if len(others) > 1 else ''}; what both record is kept in one experiment. "
            "If that is not what you want, end one of them, or leave out resume= to begin an experiment of its own."
        )
    if differing and not recording.joins:
        life.say(
            f"warning: {recording.prefix} is continued with another configuration: {_listed(differing)}. Both are recorded."
        )


def _as_lead(given: Given, recording: Recording, params: Params) -> None:
    """Record what is recorded once for all ranks."""
    if recording.capturer is not None:
        recording.capturer.start()
    if given.params:
        params.record(given.params)
    recording.document_due("metadata")


def _forward(life: Life, recording: Recording) -> None:
    if life.forward_to:
        from .forwarding import begin_forwarding

        begin_forwarding(recording, life.forward_to)


def warn_of_changed_config(given: Given, life: Life) -> None:
    """Tell the user if the program changed the configuration after the start."""
    source = given.config_source
    if source is None or isinstance(source, (str, os.PathLike)):
        return
    from .config import differences

    try:
        changed = differences(given.config or {}, frozen(source) or {})
    except Exception:  # noqa: BLE001  (the user's object; the end must go on)
        return
    if changed:
        life.say(
            f"the configuration was changed after the start ({', '.join(changed[:5])}); the record keeps the configuration as it was at the start"
        )


def frozen(config: Any) -> dict[str, Any] | None:
    """The configuration as a plain mapping; None stays None."""
    if config is None:
        return None
    from .config import freeze

    return freeze(config)

"""What is written when an experiment starts, and the check that its configuration stays unchanged."""

from __future__ import annotations

import os

from ..errors import ConfigFrozen
from ..record.secrets import mask_secrets, mask_text
from ..record.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .life import Life
    from .params import Params
    from .recording import Recording

__all__ = ["Given", "begin", "frozen", "warn_of_changed_config"]


class Given:
    """What a program gives for an experiment before it starts; see the arguments of `Experiment`.

    `config_source` is the configuration as it was given, `config` what it was then; `parent` is a prefix, an id, or
    an experiment.
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
        self.params: Mapping[str, Any] | None = None
        self.tags: dict[str, str | None] = {}
        self.bindrs: list[str] = []
        self.description: str | None = None
        self.notes: str | None = None
        self.parent: Any = None
        self.relation = "child"


def begin(given: Given, life: Life, recording: Recording, params: Params) -> None:
    """Write what is known at the start, and start the background work.

    Args:
        params: The parameters as the program sees them, which hold those that were recorded before.
    """
    is_lead = life.rank.is_lead
    if given.config is not None:
        if recording.config is None:
            recording.config = mask_secrets(given.config)
            recording.event("config", config=recording.config)
            recording.document_due("config")
        else:
            _refuse_other_config(given.config, recording)
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
            text = mask_text(str(text))
            recording.event("field", field=field, value=text)
            about[field] = text
    if given.parent is not None:
        parent = given.parent if isinstance(given.parent, str) else given.parent.id
        recording.event("linked", parent=parent, relation=given.relation)
        about["parent"], about["relation"] = parent, given.relation

    if is_lead:
        recording.capturer.start()
        if given.params:
            params.set(given.params)
        recording.document_due("metadata")
        if recording.config is not None or recording.continued:
            # The configuration, and that an ended experiment runs again, are there from the start.
            recording.write_documents()
    recording.start_background()
    if life.forward_to:
        from .forwarding import begin_forwarding

        begin_forwarding(recording, life.forward_to)
    if is_lead and not life.settings.quiet:
        from .summary import start_lines

        for line in start_lines(
            recording.prefix,
            recording.experiment_id,
            recording.layout.folder,
            recording.continued,
            recording.root.root,
        ):
            life.say(line)


def _refuse_other_config(config: dict[str, Any], recording: Recording) -> None:
    from .config import differences

    differing = differences(recording.config or {}, mask_secrets(config))
    if differing:
        keys = ", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
        raise ConfigFrozen(
            f"The experiment {recording.prefix} was started with another configuration; {keys} "
            f"{'differs' if len(differing) == 1 else 'differ'}. A configuration is frozen when its experiment starts. Choose another prefix, or continue with the recorded configuration.",
            keys=differing,
        )


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

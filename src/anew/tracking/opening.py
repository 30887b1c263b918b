"""What is written when an experiment starts, and how its configuration is held to."""

from __future__ import annotations

import os

from ..errors import ConfigFrozen
from ..record.secrets import mask_secrets, mask_text
from ..record.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .experiment import Experiment
    from .recording import Recording

__all__ = ["begin", "frozen", "warn_of_changed_config"]


def begin(experiment: Experiment, recording: Recording) -> None:
    """Write what is known at the start. Everything here is also in the journal."""
    if experiment._config is not None:
        if recording.config is None:
            recording.config = mask_secrets(experiment._config)
            recording.event("config", config=recording.config)
            recording._documents_due.add("config")
        else:
            _refuse_other_config(experiment, recording)
    experiment._recording = experiment._last = recording
    recording.ender = experiment._end
    experiment._status = Status.RUNNING
    experiment.params._take(recording.params)
    about = recording.about
    if experiment._tags:
        recording.event("tags", add=experiment._tags)
        about["tags"] = about["tags"] | experiment._tags
    if experiment._bindrs:
        recording.event("bindrs", add=experiment._bindrs)
        about["bindrs"] = list(dict.fromkeys([*about["bindrs"], *experiment._bindrs]))
    for field, text in (("description", experiment._description), ("notes", experiment._notes)):
        if text is not None and text != about[field]:
            text = mask_text(str(text))
            recording.event("field", field=field, value=text)
            about[field] = text
    if experiment._parent is not None:
        given = experiment._parent
        parent = given if isinstance(given, str) else given.id
        recording.event("linked", parent=parent, relation=experiment._relation)
        about["parent"], about["relation"] = parent, experiment._relation
    if experiment._rank.is_lead:
        recording.capturer.start()
        if experiment._first_params:
            experiment.params.set(experiment._first_params)
        recording._documents_due.add("metadata")
        if recording.config is not None or recording.continued:
            # The configuration, and that an ended experiment runs again, are there from the start.
            recording.write_documents()
    recording.start_background()
    if experiment._forward_to:
        from .forwarding import begin_forwarding

        begin_forwarding(recording, experiment._forward_to)
    if experiment._rank.is_lead and not experiment._settings.quiet:
        from .summary import start_lines

        for line in start_lines(
            recording.prefix, recording.experiment_id, experiment.folder, recording.continued
        ):
            experiment._say(line)


def _refuse_other_config(experiment: Experiment, recording: Recording) -> None:
    from .config import differences

    new = mask_secrets(experiment._config)
    differing = differences(recording.config or {}, new)
    if differing:
        keys = ", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
        raise ConfigFrozen(
            f"The experiment {recording.prefix} was started with another configuration; {keys} "
            f"{'differs' if len(differing) == 1 else 'differ'}. A configuration is frozen when its experiment "
            "starts: choose another prefix, or continue with the recorded configuration.",
            keys=differing,
        )


def warn_of_changed_config(experiment: Experiment) -> None:
    if experiment._config_source is None or isinstance(
        experiment._config_source, (str, os.PathLike)
    ):
        return
    from .config import differences

    try:
        changed = differences(experiment._config or {}, frozen(experiment._config_source) or {})
    except Exception:  # noqa: BLE001  (the user's object; the end must go on)
        return
    if changed:
        experiment._say(
            f"the configuration was changed after the start ({', '.join(changed[:5])}); the record keeps "
            "what it was at the start"
        )


def frozen(config: Any) -> dict[str, Any] | None:
    """The configuration as a plain mapping; None stays None."""
    if config is None:
        return None
    from .config import freeze

    return freeze(config)

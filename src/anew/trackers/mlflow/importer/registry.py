"""MLflow's registry of models as an importer gives it, from whichever store it was read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ....importing.source import SourceModel, SourceVersion

__all__ = ["models_of"]

_OF_RUN = re.compile(r"runs:/+([^/]+)/(.+)")
_LOGGED = re.compile(r"models:/+(m-[0-9a-f]{32})/?|.*/models/(m-[0-9a-f]{32})/artifacts/?")


def models_of(
    about: Mapping[str, Mapping[str, Any]],
    versions: Mapping[str, list[dict[str, Any]]],
    addresses: Mapping[str, str],
) -> Iterator[SourceModel]:
    """The registered models.

    Args:
        about: Each model's `description`, `tags` and `created` (in milliseconds), by name.
        versions: What is known of the versions, by the runs that they come from.
        addresses: Where runs have their artifacts.
    """
    by_name: dict[str, list[SourceVersion]] = {name: [] for name in about}
    aliases: dict[str, dict[str, int]] = {}
    for run, every in versions.items():
        for one in every:
            number = one.get("version")
            if type(number) is not int or number < 1:
                continue
            name = str(one.get("name"))
            by_name.setdefault(name, []).append(_version(run, number, one, addresses))
            for alias in one.get("aliases", ()):
                aliases.setdefault(name, {})[str(alias)] = number
    for name, found in sorted(by_name.items()):
        found.sort(key=lambda one: one.number)
        facts = about.get(name, {})
        first = found[0].created if found else 0.0
        yield SourceModel(
            name, _seconds(facts.get("created")) or first, tuple(found), aliases.get(name, {}),
            facts.get("description") or None, facts.get("tags") or {},
        )  # fmt: skip


def _version(
    run: str, number: int, facts: Mapping[str, Any], addresses: Mapping[str, str]
) -> SourceVersion:
    source = str(facts.get("source") or "")
    extra = {"mlflow.source": source, "mlflow.run_id": run, "mlflow.stage": _stage(facts)}
    path = _path(source, run, addresses.get(run, ""))
    return SourceVersion(
        number, run or None, "folder" if path else "address", path or source, source, _seconds(facts.get("created")),
        str(facts.get("user") or ""), facts.get("description") or None, facts.get("tags") or {},
        {name: value for name, value in extra.items() if value},
    )  # fmt: skip


def _path(source: str, run: str, address: str) -> str:
    """Where among the files of its run a version's files are; "" if they are none of them."""
    if found := _OF_RUN.fullmatch(source):
        return f"artifacts/{found[2].strip('/')}" if found[1] == run else ""
    if found := _LOGGED.fullmatch(source):
        return f"models/{found[1] or found[2]}"
    below = source.removeprefix(f"{address.rstrip('/')}/") if address else source
    return f"artifacts/{below.strip('/')}" if below != source else ""


def _stage(facts: Mapping[str, Any]) -> str:
    stage = str(facts.get("stage") or "")
    return "" if stage == "None" else stage


def _seconds(milliseconds: Any) -> float:
    return milliseconds / 1000 if type(milliseconds) is int else 0.0

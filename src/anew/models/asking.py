"""What a text means that is asked about its lineage: a version of a model, an experiment, a file on this machine, or a content by its name or hash."""

from __future__ import annotations

import os
import tempfile

from ..errors import Ambiguous, InvalidName, NotFound
from ..provenance.hashing import HashCache, hash_input, input_files
from ..query.references import ResolveQuestion
from ..reading.backend import Backend
from .lineage import LineageFacts, lineage_of_contents, lineage_of_experiment, lineage_of_version
from .names import LATEST, parse_ref
from .registry import Registry, version_of

__all__ = ["find_lineage"]


def find_lineage(
    backend: Backend, asked: str, *, files: bool = True, root: str | None = None
) -> LineageFacts:
    """The lineage of whatever a text means first: a model or version of one, an experiment, a file or folder of this machine, a content.

    Args:
        files: Whether it may name a file or folder of this machine.
        root: The store's folder, where hashes of files are remembered.

    Raises:
        NotFound: It means nothing that is on record.
        Ambiguous: It means several experiments, or models of several projects.
    """
    try:
        ref = parse_ref(asked)
        model = Registry(backend).model(asked)
    except (InvalidName, NotFound):
        pass
    else:
        alias = ref.alias or (None if ref.number is not None else LATEST)
        return lineage_of_version(backend, asked, model, version_of(model, ref.number, alias))
    (found,) = backend.resolve(ResolveQuestion((asked,)))
    if found.id is not None:
        return lineage_of_experiment(backend, asked, found.id)
    if files and os.path.exists(asked):
        return lineage_of_contents(backend, asked, _hashes(asked, root))
    try:
        return lineage_of_contents(backend, asked, [asked])
    except NotFound:
        if found.candidates:
            raise Ambiguous(
                f"{asked!r} may be any of several experiments.",
                candidates=[one.id for one in found.candidates],
            ) from None
        raise NotFound(
            f"{asked!r} is no model, no experiment and no file here, and no experiment has read or logged anything of that name or hash.",
            name=asked,
            nearest=found.nearest,
        ) from None


def _hashes(path: str, root: str | None) -> list[str]:
    """The hashes that a file or folder would have on record."""
    full = os.path.abspath(path)
    with tempfile.TemporaryDirectory(prefix="anew-") as own:
        cache = HashCache.under(own if root is None else root)
        fact, _ = hash_input(full, input_files(full), cache)
    return [fact[key] for key in ("sha256", "blake3") if key in fact]

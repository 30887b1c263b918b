"""Parameters and configurations as they are read: nested, by key, by dotted key and by attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import NotFound
from ..record.plain import find, flatten, from_plain

__all__ = ["Nested"]


class Nested(Mapping[str, Any]):
    """A nested mapping that cannot be changed: `params["model"]["depth"]`, `params["model.depth"]`,
    `params.model.depth`."""

    __slots__ = ("_plain", "_what")

    def __init__(self, plain: Mapping[str, Any], what: str = "parameter") -> None:
        self._plain = plain
        self._what = what

    def __getitem__(self, key: str) -> Any:
        try:
            return self._out(find(self._plain, key) if isinstance(key, str) else self._plain[key])
        except KeyError:
            from ..query.suggest import nearest, one_of

            near = nearest(str(key), self.flat())
            hint = f" Did you mean {one_of(map(repr, near))}?" if near else ""
            raise NotFound(
                f"There is no {self._what} {key!r}.{hint}", name=str(key), nearest=near
            ) from None

    def _out(self, value: Any) -> Any:
        if isinstance(value, Mapping) and not (len(value) == 1 and "$float" in value):
            return Nested(value, self._what)
        return from_plain(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except NotFound as error:
            raise AttributeError(str(error)) from None

    def __contains__(self, key: object) -> bool:
        try:
            find(self._plain, key)  # type: ignore[arg-type]  # a key that is no text is in no record
        except (KeyError, AttributeError):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Nested):
            return self._plain == other._plain
        return self.to_dict() == other if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # a mapping, like dict

    def __repr__(self) -> str:
        return repr(self.to_dict())

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._plain if key.isidentifier())]

    def to_dict(self) -> dict[str, Any]:
        """A nested dict of its own."""
        found: dict[str, Any] = from_plain(dict(self._plain))
        return found

    def flat(self) -> dict[str, Any]:
        """All values by dotted key."""
        return {key: from_plain(value) for key, value in flatten(self._plain).items()}

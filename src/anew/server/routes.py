"""What a route is: how it is called, what it is asked and answers, and who may call it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import InvalidValue
from .callers import Caller, Role

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .identity.oidc import SignOn
    from .identity.protocol import Identities
    from .meters import Meters
    from .place import Place

__all__ = ["Call", "Misread", "Nothing", "Route"]

_AT = re.compile(r"at `\$(?P<path>[^`]*)`")
_LACKS = re.compile(r"missing required field `(?P<name>[^`]+)`")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


class Misread(InvalidValue):
    """What the client of another tracker asks cannot be read.

    Attributes:
        at: The part of it that is wrong, such as `metrics[0].step`; "" where that is not known.
        value: What stands there; None for nothing.
    """

    def __init__(self, error: msgspec.ValidationError, given: Any) -> None:
        said = str(error)
        super().__init__(f"The question cannot be read: {said}")
        found, lacks = _AT.search(said), _LACKS.search(said)
        path = found["path"].removeprefix(".") if found else ""
        self.value: Any = given
        for name, number in _STEP.findall(path):
            try:
                self.value = self.value[int(number) if number else name]
            except (LookupError, TypeError):
                self.value = None
        if lacks is not None:
            path, self.value = f"{path}.{lacks['name']}".removeprefix("."), None
        self.at = path


class Nothing(msgspec.Struct, frozen=True):
    """The question of a route that is asked nothing."""


@dataclass(frozen=True)
class Call:
    """One call of a route: who calls, what is asked, where, who there is and who vouches for them, and the request itself for what streams.

    `again` asks whether the caller may still call, for what lasts. `note` writes down that they did something: what, in which project, to what.
    `meters` has the limits, and counts what is known only later.
    """

    caller: Caller
    place: Place
    question: Any
    request: Request
    identities: Identities | None
    sign_on: SignOn | None
    again: Callable[[], Caller]
    note: Callable[[str, str, str], None]
    meters: Meters


@dataclass(frozen=True)
class Route:
    """One row of the table.

    Attributes:
        path: With `{name}` for a part of the path and `{name:path}` for the rest of it. Both are fields of `question`.
        name: The name of the operation in the OpenAPI document.
        question: What is asked: the fields come from the path, and from the query of a GET or the body of a POST.
        answer: What comes back.
        summary: What the route is for, in a sentence.
        role: The least that a caller must be, in some project. Which projects and experiments they may then see or change, the backend
            and the handler decide (see `Place.backend`, `Caller.role_in`).
        admin: Whether they must also be one who looks after the server.
        reply: Answers in a thread.
        stream: Makes the response itself, on the event loop; instead of `reply`.
        media: What the body of the answer is, where it is not the answer in one of the encodings.
        arrays: Whether the answer has arrays, and can be had as raw columns.
        changes: Whether it changes something. All other routes may be called again without harm.
        noted: Whether the record of who did what tells of it. What is not is what the experiments themselves tell, such as uploads.
        foreign: Whether it is called by the client of another tracker: the fields of the question then come from the path, the query
            and a JSON body together, and unknown ones are passed over. It is not in the OpenAPI document.
        link: Whether its query is a link of the page: what the question does not have of it is passed over.
        form: Whether it also takes a form (multipart/form-data), which the handler reads itself.
        raw: Whether its body is the bytes of a file, of whatever type, which the handler reads itself.
        strict: Whether numbers in a body have to be numbers; else they may be texts, as JSON of Protocol Buffers has them.
        refused: Makes the answer that reports an error, where the client wants another than ours.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    question: type[Any]
    answer: Any
    summary: str
    role: Role = Role.READER
    admin: bool = False
    reply: Callable[[Call], Any] | None = None
    stream: Callable[[Call], Awaitable[Response]] | None = None
    media: str | None = None
    arrays: bool = False
    changes: bool = False
    noted: bool = True
    foreign: bool = False
    link: bool = False
    form: bool = False
    raw: bool = False
    strict: bool = True
    refused: Callable[[BaseException], Response] | None = None

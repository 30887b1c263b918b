"""Telling one destination: by mail, by a signed request, or as Slack takes it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ..errors import InvalidSetting
from .destinations import Destination, parse_destination
from .firing import MENTIONED, Fired
from .places import connect

__all__ = ["SIGNATURE", "Message", "Sender", "message_of"]

SIGNATURE = "Anew-Signature"
"""The header `t=<seconds>,v1=<hex>`: HMAC-SHA256 of `<seconds>.<body>` with the secret of whoever sends."""
_TIMEOUT = 10.0
"""Seconds that one wait may take."""
_LONGEST = 30.0
"""Seconds that one request may take in all: much less than it is claimed for."""


class Message(NamedTuple):
    """What is told, the same each time it is tried."""

    id: str
    subject: str
    text: str
    body: dict[str, object]


def message_of(fired: Fired) -> Message:
    """The message that says what was found."""
    subject = _line(f"{fired.alert}: {fired.prefix}")
    place = f"{fired.prefix} ({fired.experiment})" if fired.experiment else fired.prefix
    last = f"{fired.alert}." if fired.kind == MENTIONED else f"Alert {fired.alert}: {fired.when}"
    text = f"{place}\n{fired.why}\n\n{last}\n"
    body: dict[str, object] = {
        "id": fired.name,
        "alert": fired.alert,
        "when": fired.when,
        "experiment": {"id": fired.experiment, "prefix": fired.prefix},
        "why": fired.why,
        "time": fired.time,
    }
    return Message(fired.name, subject, text, body)


class Sender:
    """Sends messages with what an administrator set in the environment.

    Args:
        environ: `ANEW_ALERT_SMTP` (`smtp://`, `smtp+starttls://` or `smtps://` with user, password, host and port), `ANEW_ALERT_FROM`,
            `ANEW_ALERT_SECRET`, `ANEW_ALERT_PLACES` (`name=destination` between spaces) and `ANEW_ALERT_PRIVATE`.
        clock: The time that signatures carry.
        longest: Seconds after which a request is given up.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.time,
        longest: float = _LONGEST,
    ) -> None:
        self._smtp = environ.get("smtp", "")
        self._from = environ.get("from", "")
        self._secret = environ.get("secret", "").encode()
        self._private = environ.get("private", "") in ("1", "true", "yes", "on")
        self._places = dict(
            one.split("=", 1) for one in environ.get("places", "").split() if "=" in one
        )
        self._clock = clock
        self._longest = longest

    @property
    def places(self) -> frozenset[str]:
        """What the destinations are called that are set where messages are sent."""
        return frozenset(self._places)

    def send(self, to: str, message: Message) -> None:
        """Tell one destination.

        Raises:
            InvalidValue: It is no destination.
            InvalidSetting: What is needed for that is not set.
            NotAllowed: It lies in a private network.
            OSError: It was not taken.
        """
        where = parse_destination(to)
        if where.kind == "name":
            if where.at not in self._places:
                raise InvalidSetting(
                    f"Nobody set where {to} is: ANEW_ALERT_PLACES names destinations.",
                    setting="alert_places",
                )
            where = parse_destination(self._places[where.at])
        if where.kind == "mail":
            self._mail(where.at, message)
        elif where.kind == "slack":
            text = f"*{_slack(message.subject)}*\n{_slack(message.text)}"
            self._post(where, {"text": text}, message)
        else:
            self._post(where, message.body, message)

    def _mail(self, to: str, message: Message) -> None:
        if not self._smtp:
            raise InvalidSetting(
                "No server for mail is set: ANEW_ALERT_SMTP.", setting="alert_smtp"
            )
        url = urlsplit(self._smtp)
        host = url.hostname or ""
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self._from or f"anew@{host}"
        mail["To"] = to
        mail["Message-ID"] = f"<{message.id}@anew>"
        mail.set_content(message.text)
        tls = ssl.create_default_context()
        try:
            with (
                smtplib.SMTP_SSL(host, url.port or 465, timeout=_TIMEOUT, context=tls)
                if url.scheme == "smtps"
                else smtplib.SMTP(host, url.port or 25, timeout=_TIMEOUT)
            ) as server:
                if url.scheme == "smtp+starttls":
                    server.starttls(context=tls)
                if url.username:
                    server.login(unquote(url.username), unquote(url.password or ""))
                server.send_message(mail)
        except smtplib.SMTPException as error:
            raise OSError(f"the mail was not taken: {error}") from error

    def _post(self, to: Destination, body: Mapping[str, object], message: Message) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "anew", "Anew-Id": message.id}
        if self._secret:
            headers[SIGNATURE] = self._signed(data)
        made = connect(to.host, to.port, private=self._private, timeout=_TIMEOUT)
        asked = http.client.HTTPConnection(to.host, to.port, timeout=_TIMEOUT)
        # Each wait has its end, but who answers a byte at a time would hold up whatever else is to be told.
        end = threading.Timer(self._longest, _hang_up, (asked,))
        end.daemon = True
        end.start()
        try:
            asked.sock = made
            if to.secure:
                asked.default_port = 443
                context = ssl.create_default_context()
                asked.sock = made = context.wrap_socket(
                    made, server_hostname=to.host, do_handshake_on_connect=False
                )
                made.do_handshake()
            asked.request("POST", to.target, data, headers)
            status = asked.getresponse().status
            if not 200 <= status < 300:  # a redirect would lead to an address that nobody looked at
                raise OSError(f"{to.host} answered {status}")
        except http.client.HTTPException as error:
            raise OSError(f"{to.host} did not answer as HTTP: {error!r}") from error
        finally:
            end.cancel()
            asked.close()
            made.close()

    def _signed(self, data: bytes) -> str:
        now = int(self._clock())
        mac = hmac.new(self._secret, f"{now}.".encode() + data, hashlib.sha256).hexdigest()
        return f"t={now},v1={mac}"


def _hang_up(asked: http.client.HTTPConnection) -> None:
    """End a connection, from whatever thread."""
    if asked.sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(asked.sock, socket.SHUT_RDWR)


def _line(text: str) -> str:
    return "".join(ch if ch.isprintable() else " " for ch in text)[:200]


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

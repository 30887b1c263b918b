"""A source whose contents a test decides."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from anew.importing.source import Finding, Message, Points, Row, Run, SourceFile, SourceValue
from anew.values.text import Text

START = 1_700_000_000.0


@dataclass
class Logged:
    """What a run has logged so far."""

    rows: list[Row | Points] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    texts: list[tuple[str, int | None, str]] = field(default_factory=list)


class Made:
    """A source with these runs. It can be changed between two imports, as a tracker that goes on changes its own."""

    kind = "made"
    where = "a test"

    def __init__(self, **runs: Logged) -> None:
        self.logged = runs
        self.about = {
            key: Run(key=key, place=("lab",), name=key, started=START, ended=START + 100)
            for key in runs
        }

    def say(self, key: str, **facts: object) -> None:
        """Change what is known of a run."""
        import msgspec

        self.about[key] = msgspec.structs.replace(self.about[key], **facts)

    def runs(self) -> Iterator[Run]:
        yield from self.about.values()

    def rows(self, run: Run) -> Iterator[Row | Points]:
        yield from self.logged[run.key].rows

    def messages(self, run: Run) -> Iterator[Message]:
        yield from self.logged[run.key].messages

    def printed(self, run: Run) -> Iterator[str]:
        yield from self.logged[run.key].printed

    def files(self, run: Run) -> Iterator[SourceFile]:
        for name, data in self.logged[run.key].files.items():
            yield SourceFile("out", name, lambda data=data: io.BytesIO(data))

    def values(self, run: Run) -> Iterator[SourceValue]:
        for name, step, text in self.logged[run.key].texts:
            yield SourceValue(name, "text", step, START, lambda text=text: Text(text))

    def findings(self) -> tuple[Finding, ...]:
        return ()

    def close(self) -> None: ...


def curve(count: int, name: str = "loss", start: int = 0) -> list[Row | Points]:
    """A metric that a program logs step by step."""
    return [Row(at, START + at / 8, {name: 1 / (at + 1)}) for at in range(start, start + count)]


def everything(count: int) -> Logged:
    """A run with something of each kind; more of each with a larger count."""
    return Logged(
        rows=[
            *curve(count),
            Points(
                ["a/b", "c", "a/b"][:count], [7, None, -(2**63)][:count], [START, START + 0.123456789, START][:count],
                [float("nan"), -0.0, float("-inf")][:count],
            ),
        ],
        messages=[Message(START + at, "info", f"epoch {at}", {"at": at}) for at in range(count // 2)],
        printed=[f"line {at}" for at in range(count // 2)],
        files={"weights.bin": b"w" * 1000, "log.txt": b"x" * count},
        texts=[("sample", at, f"text {at}") for at in range(count // 5)],
    )  # fmt: skip


__all__ = ["START", "Logged", "Made", "curve", "everything"]

"""The filter language: text → tree. The grammar stands in `docs/reference/filter-language.md`."""

from __future__ import annotations

import difflib
from typing import cast

from ..errors import QueryError
from .syntax import (
    And,
    Compare,
    Contains,
    Expression,
    Field,
    In,
    IsMissing,
    IsNan,
    Match,
    Not,
    Operator,
    Or,
    Truth,
    Value,
)
from .tokens import Token, mistake, tokenize

__all__ = ["parse"]

MAX_DEPTH = 60
MAX_CONDITIONS = 500
MAX_ITEMS = 10_000
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "contains", "exists", "null", "none", "nan"})
_CONSTANTS: dict[str, tuple[str, object]] = {
    "true": ("bool", True),
    "false": ("bool", False),
    "null": ("null", None),
    "none": ("null", None),
    "nan": ("nan", None),
    "inf": ("number", float("inf")),
}
_SUFFIXES = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "=~", "!~", "contains", "is null")


def parse(text: str) -> Expression:
    """The tree of a filter.

    Raises:
        QueryError: It cannot be read; the error points at the column.
    """
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.conditions = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take the next tokens if they are these keywords or operators."""
        for ahead, word in enumerate(words):
            token = self.tokens[min(self.at + ahead, len(self.tokens) - 1)]
            if word not in (token.word, token.text if token.kind == "op" else None):
                return False
        self.at += len(words)
        return True

    def mistake(self, message: str, token: Token, suggestion: str | None = None) -> QueryError:
        return mistake(message, self.text, token.position, suggestion)

    # -- expressions -------------------------------------------------------------------------------

    def whole(self) -> Expression:
        if self.token.kind == "end":
            raise self.mistake("The filter is empty.", self.token, "status == 'completed'")
        expression = self.disjunction()
        token = self.token
        if token.text == ")":
            raise self.mistake("This parenthesis was never opened.", token)
        if token.kind != "end":
            near = difflib.get_close_matches(token.word, ("and", "or", "in", "not", "is"), 1)
            raise self.mistake(
                f"Expected 'and', 'or' or the end, not {token.text!r}.",
                token,
                near[0] if near else None,
            )
        return expression

    def disjunction(self) -> Expression:
        items = [self.conjunction()]
        while self.accept("or"):
            items.append(self.conjunction())
        return items[0] if len(items) == 1 else Or(tuple(items))

    def conjunction(self) -> Expression:
        items = [self.negation()]
        while self.accept("and"):
            items.append(self.negation())
        return items[0] if len(items) == 1 else And(tuple(items))

    def negation(self) -> Expression:
        start = self.token
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.mistake(f"The filter is nested more than {MAX_DEPTH} deep.", start)
        try:
            if self.accept("not"):
                return Not(self.negation())
            if self.accept("("):
                inner = self.disjunction()
                if not self.accept(")"):
                    what = (
                        "the end came" if self.token.kind == "end" else f"not {self.token.text!r}"
                    )
                    raise self.mistake(f"Expected ')' here, {what}.", self.token)
                return inner
            return self.condition()
        finally:
            self.depth -= 1

    # -- conditions --------------------------------------------------------------------------------

    def condition(self) -> Expression:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise self.mistake(f"The filter has more than {MAX_CONDITIONS} conditions.", self.token)
        left = self.operand()
        token = self.token
        if token.kind == "op" and token.text in _COMPARISONS:
            return self.chain(left)
        if self.accept("in") or self.accept("not", "in"):
            return self.membership(left, negated=self.tokens[self.at - 2].word == "not")
        if isinstance(left, Value):
            raise self.mistake(f"Expected a comparison or 'in' after the value {left.text}.", token)
        field = left
        if token.text in ("=~", "!~"):
            self.at += 1
            return Match(field, self.string("a pattern"), token.text == "!~", token.position)
        if self.accept("contains") or self.accept("not", "contains"):
            negated = self.tokens[self.at - 2].word == "not"
            return Contains(field, self.string("a text"), negated, token.position)
        if self.accept("exists"):
            return IsMissing(field, True, token.position)
        if self.accept("not", "exists"):
            return IsMissing(field, False, token.position)
        if self.accept("is"):
            return self.being(field)
        if token.kind != "end" and token.text != ")" and token.word not in ("and", "or"):
            near = difflib.get_close_matches(token.text.lower(), _SUFFIXES, 1)
            raise self.mistake(
                f"Expected an operator after {field.text!r}: {', '.join(_SUFFIXES)}.",
                token,
                near[0] if near else None,
            )
        return Truth(field, field.position)

    def chain(self, left: Field | Value) -> Expression:
        """`a < b` or `a < b < c`, which is `a < b and b < c`."""
        items: list[Expression] = []
        while self.token.kind == "op" and self.token.text in _COMPARISONS:
            operator = self.take()
            right = self.operand()
            if isinstance(left, Value) and isinstance(right, Value):
                raise self.mistake("Both sides are values; one side must be a field.", operator)
            items.append(Compare(left, cast(Operator, operator.text), right, operator.position))
            left = right
        return items[0] if len(items) == 1 else And(tuple(items))

    def membership(self, left: Field | Value, *, negated: bool) -> Expression:
        token = self.token
        if token.text in ("(", "["):
            if isinstance(left, Value):
                raise self.mistake(
                    "There is a value before 'in' and a list after it; one of the two must be a field.",
                    token,
                )
            return In(left, self.items(), negated, token.position)
        right = self.operand()
        if isinstance(right, Value):
            raise self.mistake(
                "Expected a list such as ('a', 'b'), or a field, after 'in'.",
                token,
                f"({right.text})",
            )
        if isinstance(left, Field):
            raise self.mistake(
                "There is a field on both sides of 'in'; put a string on the left.", token
            )
        return Contains(right, left, negated, token.position)

    def items(self) -> tuple[Value, ...]:
        closing = ")" if self.take().text == "(" else "]"
        values: list[Value] = []
        while not self.accept(closing):
            if values and not self.accept(","):
                raise self.mistake(f"',' or '{closing}' is expected here.", self.token)
            if values and self.accept(closing):  # a trailing comma
                break
            token = self.token
            if token.text in (")", "]"):
                raise self.mistake(f"'{closing}' is expected here.", token)
            value = self.operand()
            if isinstance(value, Field):
                raise self.mistake(
                    f"A list may only contain values; {value.text} is a field.",
                    token,
                    f"'{value.text}'",
                )
            values.append(value)
            if len(values) > MAX_ITEMS:
                raise self.mistake(f"The list has more than {MAX_ITEMS:,} values.", token)
        if not values:
            raise self.mistake("The list is empty.", self.tokens[self.at - 1])
        return tuple(values)

    def being(self, field: Field) -> Expression:
        negated = self.accept("not")
        token = self.take()
        if token.word in ("null", "none"):
            return IsMissing(field, negated, token.position)
        if token.word == "nan":
            return IsNan(field, negated, token.position)
        if token.word in ("true", "false"):
            value = Value("bool", token.word == "true", token.text, token.position)
            return Compare(field, "!=" if negated else "==", value, token.position)
        raise self.mistake(
            "Expected null, nan, true or false after 'is'.", token, f"{field.text} is null"
        )

    # -- operands ----------------------------------------------------------------------------------

    def string(self, what: str) -> Value:
        token = self.token
        if token.kind != "text":
            hint = f"'{token.text}'" if token.kind != "end" else None
            raise self.mistake(f"{what.capitalize()} in quotes is expected here.", token, hint)
        self.at += 1
        return Value("text", cast(str, token.value), token.text, token.position)

    def operand(self) -> Field | Value:
        token = self.token
        if token.kind in ("text", "number", "time", "duration"):
            self.at += 1
            if token.kind == "duration":
                self.accept("ago")
            return Value(token.kind, token.value, token.text, token.position)
        if token.kind == "path":
            if token.word in _CONSTANTS:
                self.at += 1
                kind, value = _CONSTANTS[token.word]
                return Value(kind, value, token.text, token.position)  # type: ignore[arg-type]
            if token.word not in _KEYWORDS:
                self.at += 1
                return Field(token.parts, token.text, token.position)
        found = "the filter ends" if token.kind == "end" else f"there is {token.text!r}"
        raise self.mistake(f"Expected a field or a value, but here {found}.", token)

"""X-Ray's filter expressions, as far as they are understood here: text in, a predicate over traces out.

Understood: `ok`, `error`, `fault`, `throttle`, `partial`;
`responsetime`, `duration`, `http.status` with = != < <= > >=;
`http.url`, `http.method`, `http.useragent`, `http.clientip`, `user`, `name` with = != CONTAINS BEGINSWITH ENDSWITH;
`annotation[key]` and `annotation.key`, alone or compared; `service("name")`; AND, OR, NOT (or !), parentheses.
Anything else raises FilterError, so that no unknown filter ever answers with every trace.
Outcome keywords and times speak of the trace's entry; the others of any segment in it.
Source: AWS X-Ray developer guide, "Use filter expressions".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from localaws.xray.documents import ERROR, FAULT, THROTTLE
from localaws.xray.view import TraceView

Predicate = Callable[[TraceView], bool]
Value = str | float | bool
Reader = Callable[[TraceView], Iterable[Value | None]]

_DEPTH_LIMIT: Final = 50
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<word>[A-Za-z_][\w.]*)"""
    r"""|(?P<symbol><=|>=|!=|[=<>!()\[\]]))"""
)
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITY: Final[dict[str, Callable[[Any, Any], bool]]] = {"=": operator.eq, "!=": operator.ne}
_TEXT: Final[dict[str, Callable[[str, str], bool]]] = {
    "CONTAINS": operator.contains,
    "BEGINSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}


class FilterError(ValueError):
    """A filter expression that is wrong or not understood; the message says where."""


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


_FLAGS: Final[dict[str, Predicate]] = {
    "ok": lambda view: not view.root.flags,
    "error": lambda view: bool(view.root.flags & ERROR),
    "fault": lambda view: bool(view.root.flags & FAULT),
    "throttle": lambda view: bool(view.root.flags & THROTTLE),
    "partial": lambda view: view.is_partial,
}
_NUMBERS: Final[dict[str, Reader]] = {
    "responsetime": lambda view: (view.response_time_seconds,),
    "duration": lambda view: (view.duration_seconds,),
    "http.status": lambda view: (http.status for http in view.https),
}
_TEXTS: Final[dict[str, Reader]] = {
    "http.url": lambda view: (http.url for http in view.https),
    "http.method": lambda view: (http.method for http in view.https),
    "http.useragent": lambda view: (http.user_agent for http in view.https),
    "http.clientip": lambda view: (http.client_ip for http in view.https),
    "user": lambda view: (segment.user for segment in view.segments),
    "name": lambda view: (name for name, _unused in view.services),
}


def compile_filter(expression: str) -> Predicate:
    """The predicate of a filter expression. Raises FilterError."""
    return _Parser(_tokens(expression)).parsed()


def _tokens(expression: str) -> list[_Token]:
    tokens, offset, end = [], 0, len(expression.rstrip())
    while offset < end:
        match = _TOKEN.match(expression, offset)
        if match is None or match.lastgroup is None:
            raise FilterError(f"unexpected {expression[offset:].lstrip()[:20]!r} at offset {offset}")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        offset = match.end()
    return [*tokens, _Token("end", "the end", end)]


class _Parser:
    """Recursive descent: or > and > not > term."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._depth = 0

    def parsed(self) -> Predicate:
        predicate = self._either()
        if self._next.kind != "end":
            raise self._unexpected()
        return predicate

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._accepts("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda view: any(part(view) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._negated()]
        while self._accepts("AND"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else lambda view: all(part(view) for part in parts)

    def _negated(self) -> Predicate:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise FilterError(f"more than {_DEPTH_LIMIT} levels deep")
        if self._accepts("NOT") or self._accepts("!"):
            inner = self._negated()
            predicate: Predicate = lambda view: not inner(view)  # noqa: E731 - one of two shapes of a result
        else:
            predicate = self._term()
        self._depth -= 1
        return predicate

    def _term(self) -> Predicate:
        if self._accepts("("):
            predicate = self._either()
            self._expect(")")
            return predicate
        if self._next.kind != "word":
            raise self._unexpected()
        word = self._advance().text
        keyword = word.lower()
        if keyword in _FLAGS:
            return self._flag(_FLAGS[keyword])
        if keyword in _NUMBERS:
            return self._comparison(_NUMBERS[keyword], float)
        if keyword in _TEXTS:
            return self._comparison(_TEXTS[keyword], str)
        if keyword == "service":
            return self._service()
        return self._annotation(word)

    def _flag(self, predicate: Predicate) -> Predicate:
        for symbol, compared in _EQUALITY.items():
            if self._accepts(symbol):
                wanted = self._value(bool)
                return lambda view: compared(predicate(view), wanted)
        return predicate

    def _comparison(self, read: Reader, kind: type[Value] | None) -> Predicate:
        token = self._advance()
        compared = {**_EQUALITY, **_ORDER, **_TEXT}.get(token.text.upper())
        if compared is None:
            raise FilterError(f"an operator is missing before {token.text!r} at offset {token.offset}")
        value = self._value(kind)
        if not _fits(token.text.upper(), value):
            raise FilterError(f"operator {token.text} does not go with {value!r} at offset {token.offset}")
        return lambda view: any(compared(found, value) for found in read(view) if _comparable(found, value))

    def _service(self) -> Predicate:
        self._expect("(")
        name = self._value(str)
        self._expect(")")
        return lambda view: any(node[0] == name for node in view.services)

    def _annotation(self, word: str) -> Predicate:
        read = _annotation_reader(self._annotation_key(word))
        following = self._next.text.upper()
        if following in _EQUALITY or following in _ORDER or following in _TEXT:
            return self._comparison(read, None)
        return lambda view: any(True for _unused in read(view))

    def _annotation_key(self, word: str) -> str:
        if word.startswith("annotation.") and len(word) > len("annotation."):
            return word.removeprefix("annotation.")
        if word != "annotation" or not self._accepts("["):
            raise FilterError(f"keyword {word!r} is not understood")
        key = self._advance()
        if key.kind not in ("word", "text", "number"):
            raise FilterError(f"an annotation key is missing at offset {key.offset}")
        self._expect("]")
        return key.text.strip('"')

    def _value(self, kind: type[Value] | None) -> Value:
        token = self._advance()
        value = _literal(token)
        if value is None or (kind is not None and not isinstance(value, kind)):
            raise FilterError(f"unexpected value {token.text!r} at offset {token.offset}")
        return value

    @property
    def _next(self) -> _Token:
        return self._tokens[self._index]

    def _advance(self) -> _Token:
        token = self._next
        if token.kind == "end":
            raise self._unexpected()
        self._index += 1
        return token

    def _accepts(self, text: str) -> bool:
        if self._next.kind in ("word", "symbol") and self._next.text.upper() == text:
            self._index += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accepts(text):
            raise FilterError(f"{text!r} is missing before {self._next.text!r} at offset {self._next.offset}")

    def _unexpected(self) -> FilterError:
        return FilterError(f"unexpected {self._next.text!r} at offset {self._next.offset}")


def _literal(token: _Token) -> Value | None:
    if token.kind == "text":
        return re.sub(r"\\(.)", r"\1", token.text[1:-1])
    if token.kind == "number":
        return float(token.text)
    return {"true": True, "false": False}.get(token.text.lower())


def _fits(symbol: str, value: Value) -> bool:
    if symbol in _EQUALITY:
        return True
    return isinstance(value, str) if symbol in _TEXT else isinstance(value, float)


def _comparable(found: Value | None, value: Value) -> bool:
    """A number with a number, text with text, a boolean with a boolean."""
    if found is None or isinstance(found, bool) != isinstance(value, bool):
        return False
    return isinstance(found, str) == isinstance(value, str)


def _annotation_reader(key: str) -> Reader:
    return lambda view: (
        value for segment in view.segments for name, _unused, value in segment.annotations if name == key
    )

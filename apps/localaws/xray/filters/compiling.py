"""Compiles filter expressions: the grammar's tree becomes functions, each of one subject.

What the grammar does not know raises FilterError, so that no unknown filter ever answers with every trace.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from localaws.xray.calls import calls
from localaws.xray.causes import Kind, root_cause
from localaws.xray.filters.parsing import FilterError, Value, literal, parsed, texts, trees
from localaws.xray.filters.scopes import (
    ELEMENT,
    PART,
    TRACE,
    Reader,
    Scope,
    edge_part,
    root_cause_elements,
    service_parts,
)
from localaws.xray.parts import Node
from localaws.xray.timeseries import Selector
from localaws.xray.view import TraceView

if TYPE_CHECKING:
    from lark import Token, Tree

_DEPTH_LIMIT: Final = 50
_COMPILED_KEPT: Final = 500
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "CONTAINS": operator.contains,
    "BEGINSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}
_CAUSES: Final[tuple[Kind, ...]] = ("fault", "error", "responsetime")

Predicate = Callable[[TraceView], bool]
_Holds = Callable[[Any], bool]


class Filters:
    """Compiles expressions, each once; `group` gives the expression of a group by its `name` or `arn`."""

    def __init__(self, group: Callable[[str, str], str | None]) -> None:
        self._group = group
        self._lock = threading.Lock()
        self._compiled: dict[str, Predicate] = {}

    def compiled(self, expression: str) -> Predicate:
        """The predicate of an expression. Raises FilterError."""
        with self._lock:
            if expression not in self._compiled:
                if len(self._compiled) >= _COMPILED_KEPT:
                    self._compiled.clear()
                self._compiled[expression] = self._compile(expression, self._group)
            return self._compiled[expression]

    def forget(self) -> None:
        """Compiles anew from now on, since a group has changed."""
        with self._lock:
            self._compiled.clear()

    def check(self, expression: str) -> None:
        """Raises FilterError for what cannot be a group's expression."""
        self._compile(expression, lambda _unused, _name: None)

    def _compile(self, expression: str, group: Callable[[str, str], str | None]) -> Predicate:
        def of_group(key: str, named: str) -> Predicate:
            found = group(key, named)
            if found is None:
                raise FilterError(f"there is no group with {key} {named!r}")
            return self._compile(found, lambda _unused, _name: None) if found else _everything

        return _Compiler(expression, of_group).compiled(parsed(expression), TRACE, 0)


def _everything(_unused: TraceView) -> bool:
    return True


def selector(expression: str) -> Selector:
    """What an entity selector expression selects: an id, a service or an edge. Raises FilterError."""
    tree = parsed(expression, "selector")
    nodes = [_node(child) for child in trees(tree)]
    return Selector(nodes[0] if tree.data == "edge" else None, nodes[-1] if nodes else lambda _unused: True)


class _Compiler:
    """One method for each kind of the grammar's trees; each returns a function of a subject of the scope."""

    def __init__(self, expression: str, group: Callable[[str, str], Predicate]) -> None:
        self._expression = expression
        self._group_predicate = group

    def compiled(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        if depth > _DEPTH_LIMIT:
            raise FilterError(f"more than {_DEPTH_LIMIT} levels deep")
        compile_tree: Callable[..., _Holds] = getattr(self, f"_{tree.data}")
        return compile_tree(tree, scope, depth + 1)

    def _either(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        parts = [self.compiled(child, scope, depth) for child in trees(tree)]
        return lambda subject: any(part(subject) for part in parts)

    def _both(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        parts = [self.compiled(child, scope, depth) for child in trees(tree)]
        return lambda subject: all(part(subject) for part in parts)

    def _negation(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        negated = self.compiled(trees(tree)[0], scope, depth)
        return lambda subject: not negated(subject)

    def _flag(self, tree: Tree[Token], scope: Scope, _depth: int) -> _Holds:
        return scope.flags.get(texts(tree)[0].lower(), lambda _unused: False)

    def _flag_compared(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        _unused, symbol, wanted = texts(tree)
        flag, is_wanted = self._flag(tree, scope, depth), (wanted.lower() == "true") == (symbol == "=")
        return lambda subject: flag(subject) is is_wanted

    def _compared(self, tree: Tree[Token], scope: Scope, _depth: int) -> _Holds:
        key, symbol, value = cast("list[Token]", tree.children)
        if value.type == "BARE" and not scope.takes_bare_words:
            raise FilterError(f"{str(value)!r} at offset {value.start_pos} must be in quotation marks")
        return _comparison(_reader(scope, key), symbol, literal(value))

    def _present(self, tree: Tree[Token], scope: Scope, _depth: int) -> _Holds:
        read = _reader(scope, texts(tree)[0])
        return lambda subject: any(value is not None for value in read(subject))

    def _annotated(self, tree: Tree[Token], scope: Scope, _depth: int) -> _Holds:
        read = _annotation_reader(trees(tree)[0], scope)
        return lambda subject: any(True for _unused in read(subject))

    def _annotation_compared(self, tree: Tree[Token], scope: Scope, _depth: int) -> _Holds:
        annotation, symbol, value = tree.children
        read = _annotation_reader(cast("Tree[Token]", annotation), scope)
        return _comparison(read, str(symbol), literal(cast("Token", value)))

    def _group(self, tree: Tree[Token], scope: Scope, _depth: int) -> _Holds:
        key, symbol, value = cast("list[Token]", tree.children)
        if scope is not TRACE:
            raise FilterError(f"{key} at offset {key.start_pos} filters whole traces only")
        accepts = self._group_predicate(key.lower().removeprefix("group."), str(literal(value)))
        return accepts if symbol == "=" else lambda view: not accepts(view)

    def _service(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        self._only_in_a_trace("service", tree, scope)
        nodes, holds = self._nodes_and_filter(tree, depth)
        is_meant = nodes[0] if nodes else lambda _unused: True
        if holds is None:
            return lambda view: any(map(is_meant, view.services))
        return lambda view: (
            any(map(is_meant, view.services))
            and any(is_meant(part.node) and holds(part) for part in service_parts(view))
        )

    def _edge(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        self._only_in_a_trace("edge", tree, scope)
        (is_source, is_destination), holds = self._nodes_and_filter(tree, depth)
        return lambda view: (
            any(map(is_destination, view.services))
            and any(
                is_source(call.caller) and is_destination(call.callee) and (holds is None or holds(edge_part(call)))
                for call in calls(view)
            )
        )

    def _root_cause(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds:
        self._only_in_a_trace("rootcause", tree, scope)
        _unused, kind, element = str(tree.children[0]).lower().split(".")
        holds = self._braces(tree, ELEMENT, depth) or bool
        return lambda view: any(map(holds, root_cause_elements(view, cast(Kind, kind), element)))

    def _root_cause_json(self, tree: Tree[Token], scope: Scope, _depth: int) -> _Holds:
        self._only_in_a_trace("rootcause.json", tree, scope)
        symbol, literal = str(tree.children[0]), cast("Tree[Token]", tree.children[1])
        try:
            wanted = orjson.loads(self._expression[literal.meta.start_pos + 1 : literal.meta.end_pos])
        except orjson.JSONDecodeError as error:
            raise FilterError(f"what follows # at offset {literal.meta.start_pos} is not JSON") from error
        causes = wanted if isinstance(wanted, list) else [wanted]
        return lambda view: all(_is_among(cause, view) for cause in causes) == (symbol == "=")

    def _nodes_and_filter(self, tree: Tree[Token], depth: int) -> tuple[list[Callable[[Node], bool]], _Holds | None]:
        nodes = [_node(child) for child in trees(tree) if child.data == "node"]
        return nodes, self._braces(tree, PART, depth)

    def _braces(self, tree: Tree[Token], scope: Scope, depth: int) -> _Holds | None:
        for child in trees(tree):
            if child.data == "braces":
                return self.compiled(trees(child)[0], scope, depth)
        return None

    def _only_in_a_trace(self, keyword: str, tree: Tree[Token], scope: Scope) -> None:
        if scope is not TRACE:
            raise FilterError(f"{keyword} at offset {tree.meta.start_pos} does not stand within braces")


def _reader(scope: Scope, key: str) -> Reader:
    return scope.values.get(key.lower(), lambda _unused: ())


def _comparison(read: Reader, symbol: str, wanted: Value) -> _Holds:
    compare = _COMPARISONS[symbol.upper()]
    return lambda subject: any(compare(value, wanted) for value in read(subject) if _is_comparable(value, wanted))


def _is_comparable(value: Value | None, wanted: Value) -> bool:
    """A number with a number, text with text, a boolean with a boolean."""
    if value is None or isinstance(value, bool) != isinstance(wanted, bool):
        return False
    return isinstance(value, str) == isinstance(wanted, str)


def _annotation_reader(annotation: Tree[Token], scope: Scope) -> Reader:
    (token,) = cast("list[Token]", annotation.children)
    if not scope.has_annotations:
        raise FilterError(f"{token} at offset {token.start_pos} does not stand within braces")
    key = str(token)[len("annotation") :].strip(".[] ").strip('"')
    return lambda view: (
        value for segment in view.segments for name, _unused, value in segment.annotations if name == key
    )


def _node(tree: Tree[Token]) -> Callable[[Node], bool]:
    """Whether a node has the name, or the name and type of an id function."""
    if not trees(tree):
        name = literal(cast("Token", tree.children[0]))
        return lambda node: node[0] == name
    members = {
        str(key).lower(): literal(cast("Token", value)) for key, value in (part.children for part in trees(tree))
    }
    return lambda node: (
        members.get("name", node[0]) == node[0] and ("type" not in members or members["type"] == node[1])
    )


def _is_among(cause: Any, view: TraceView) -> bool:
    """Whether a trace has a root cause with what a JSON object says of one."""
    return any(_has({"Services": root_cause(view, kind)}, cause) for kind in _CAUSES)


def _has(found: Any, wanted: Any) -> bool:
    """Objects have the wanted members at least, lists the wanted items in order, and no other."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(key in found and _has(found[key], value) for key, value in wanted.items())
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_has, found, wanted))
    return bool(found == wanted)

"""Reading PowerShell without PowerShell: what a script calls, sets and looks up, taken from an independent parser."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser, Query, QueryCursor

_LANGUAGE = Language(tree_sitter_powershell.language())
_PARSER = Parser(_LANGUAGE)
# What PowerShell itself sets; those that a script must not set are among them.
AUTOMATIC = {
    *("_", "args", "error", "executioncontext", "false", "home", "host", "input", "lastexitcode", "matches", "myinvocation"),
    *("null", "pid", "profile", "psboundparameters", "pscommandpath", "psscriptroot", "psversiontable", "pwd", "this", "true"),
    *("foreach", "switch", "event", "sender", "stacktrace", "psitem", "psculture", "psuiculture", "shellid"),
}
PREFERENCES = {"erroractionpreference", "progresspreference"}


@dataclass(frozen=True)
class Call:
    """A command with the parameters that it names and the number of other words behind it."""

    name: str
    parameters: tuple[str, ...]
    words: int
    splats: bool
    line: int


@dataclass(frozen=True)
class Function:
    """A function with its parameters and everything below it."""

    name: str
    parameters: tuple[str, ...]
    node: Node


@dataclass(frozen=True)
class Script:
    """A parsed script."""

    text: str
    root: Node

    @property
    def faults(self) -> list[str]:
        """The lines that the parser could not read, or where it misses something."""
        return [f"line {node.start_point.row + 1}: {text_of(node)[:60]!r}" for node in _faults(self.root)]

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions by name."""
        return {text_of(node.children[1]): _function(node) for node in below(self.root, "function_statement")}

    @cached_property
    def calls(self) -> list[Call]:
        """Every command that is named in plain words."""
        return [call for node in below(self.root, "command") if (call := _call(node)) is not None]

    def members(self, table: str) -> set[str]:
        """The keys by which a table is asked with a dot, which must be there in strict mode."""
        return set(re.findall(rf"\${table}\.([A-Za-z_]\w*)(?!\w*\()", self.text))

    def looked_up(self, table: str) -> set[str]:
        """All keys by which a table is asked: `$Want.Prefix` and `$Want['Prefix']`."""
        return self.members(table) | set(re.findall(rf"\${table}\['(\w+)'\]", self.text))

    def unknown_variables(self) -> list[str]:
        """Variables that a function reads though neither it, nor the script around it, nor PowerShell sets them."""
        found = []
        for function in self.functions.values():
            known = (
                AUTOMATIC
                | PREFERENCES
                | self._outer
                | set(_assigned(function.node))
                | {name.lower() for name in function.parameters}
            )
            found += [f"{function.name}: ${name}" for name in sorted(set(_read(function.node)) - known)]
        return found

    def shadowed(self, tables: Collection[str]) -> list[str]:
        """Functions with a variable that hides one of the script's tables from all that they call."""
        found = []
        for function in self.functions.values():
            own = {*_assigned(function.node), *(name.lower() for name in function.parameters)}
            found += [f"{function.name}: ${name}" for name in sorted(own.intersection(tables))]
        return found

    @cached_property
    def _outer(self) -> set[str]:
        """The variables that are set outside of all functions."""
        spans = [(function.node.start_byte, function.node.end_byte) for function in self.functions.values()]
        return {name for node, name in _assignments(self.root) if not any(start <= node.start_byte < end for start, end in spans)}


def read(text: str) -> Script:
    """Parse a script."""
    return Script(text=text, root=_PARSER.parse(text.encode()).root_node)


def below(node: Node, *kinds: str) -> Iterator[Node]:
    """The nodes of some kinds at and below a node, in their order."""
    found = QueryCursor(_query(kinds)).captures(node)
    yield from sorted(found.get("it", []), key=lambda each: (each.start_byte, -each.end_byte))


@cache
def _query(kinds: tuple[str, ...]) -> Query:
    shown = " ".join(f"({kind})" if kind.isidentifier() else f'"{kind}"' for kind in kinds)
    return Query(_LANGUAGE, f"[{shown}] @it")


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def _faults(node: Node) -> Iterator[Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from _faults(child)


def _function(node: Node) -> Function:
    declared = [child for child in node.children if child.type == "function_parameter_declaration"]
    names = [text_of(parameter.children[-1]) for each in declared for parameter in below(each, "script_parameter")]
    return Function(name=text_of(node.children[1]), parameters=tuple(name.lstrip("$") for name in names), node=node)


def _call(node: Node) -> Call | None:
    names = [child for child in node.children if child.type == "command_name"]
    if not names:
        return None
    elements = [each for child in node.children if child.type == "command_elements" for each in child.children]
    words = [each for each in elements if each.type not in {"command_argument_sep", "command_parameter", "redirection"}]
    return Call(
        name=text_of(names[0]),
        parameters=tuple(text_of(each).lstrip("-").rstrip(":").lower() for each in elements if each.type == "command_parameter"),
        words=len(words),
        splats=any(text_of(each).startswith("@") and not text_of(each).startswith(("@(", "@{")) for each in words),
        line=node.start_point.row + 1,
    )


def _assigned(node: Node) -> Iterator[str]:
    """The variables that are set at and below a node."""
    return (name for _, name in _assignments(node))


def _assignments(node: Node) -> Iterator[tuple[Node, str]]:
    for each in below(node, "left_assignment_expression"):
        if re.fullmatch(r"(?:\[[\w.\[\]]+\])?\$(\w+)", text := text_of(each)):
            yield each, text.rpartition("$")[2].lower()
    for each in below(node, "foreach_statement"):
        yield from ((each, text_of(child).lstrip("$").lower()) for child in each.children if child.type == "variable")
    for each in below(node, "script_parameter"):
        yield each, text_of(each.children[-1]).rpartition("$")[2].lower()


def _read(node: Node) -> Iterator[str]:
    for each in below(node, "variable"):
        name = text_of(each).lstrip("$@{").rstrip("}").lower()
        if ":" not in name:
            yield name

"""`-p NODE.KEY=VALUE`: parameters given for one build."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fusionpipe.errors import UsageError
from fusionpipe.model import Node, NodeName, Params, ParamValue
from fusionpipe.params import UnknownParam, canonical, set_dotted
from fusionpipe.project.suggest import did_you_mean


class Override(NamedTuple):
    """One `-p`. `target` is "NODE.KEY", or the name of a project-wide param, split when nodes are known."""

    target: str
    value: ParamValue


def parse_override(text: str) -> Override:
    """An override as typed. The value is TOML if it can be read as such, else plain text."""
    target, equals, value = text.partition("=")
    target = target.strip()
    if not equals or not target:
        raise UsageError(f'-p wants NODE.KEY=VALUE, not "{text}"', "for example: -p train.lr=0.1")
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"-p {target}: the value is not valid UTF-8", "type it again")
    return Override(target, _value(value.strip()))


def _value(text: str) -> ParamValue:
    import tomllib  # 10 ms that a build without -p does not pay

    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return canonical(text)
    return canonical(table["value"] if table.keys() == {"value"} else text)


def override(
    nodes: Mapping[NodeName, Node],
    uses: Mapping[NodeName, Sequence[str]],
    shared: Params,
    given: Sequence[Override],
) -> dict[NodeName, Node]:
    """The nodes with the overrides in place; `uses` are the project-wide params each node asks for.

    The longest node name wins. A name that is no node's changes the project-wide param for all who use
    it. Raises UsageError for an override that is nobody's, or changes nothing.
    """
    changed = dict(nodes)
    own = [one for one in given if _owner(one.target, nodes) is not None]
    for one in (one for one in given if one not in own):
        changed.update(_override_users(changed, uses, shared, one))
    for one in own:  # after the project-wide ones: the nearer word has the say
        owner = _owner(one.target, nodes)
        assert owner is not None, "chosen above"
        node, key = owner
        changed[node] = _override_node(changed[node], key, one.value)
    return changed


def _owner(target: str, nodes: Container[str]) -> tuple[NodeName, str] | None:
    """The node a target names, and the dotted key in it."""
    for name, key in _splits(target):
        if name in nodes:
            return NodeName(name), key
    return None


def _splits(target: str) -> Iterator[tuple[str, str]]:
    """Every way to read NODE.KEY, the longest node first."""
    at = target.rfind(".")
    while at > 0:
        yield target[:at], target[at + 1 :]
        at = target.rfind(".", 0, at)


def _override_node(node: Node, key: str, value: ParamValue) -> Node:
    if node.source is not None:
        raise UsageError(f"-p {node.name}.{key}: {node.name} is a source and has no params")
    params = _set(node.params, key, value, f"{node.name}.{key}", f"{node.name} declares")
    return node._replace(params=params, overridden=_marked(node, key))


def _override_users(
    nodes: Mapping[NodeName, Node],
    uses: Mapping[NodeName, Sequence[str]],
    shared: Params,
    one: Override,
) -> dict[NodeName, Node]:
    heads = (one.target, *(head for head, _ in _splits(one.target)))
    name = next((head for head in heads if head in shared), None)
    if name is None:
        raise _unknown_target(one.target, nodes, shared)
    users = {node: nodes[node] for node, used in uses.items() if name in used}
    if not users:
        raise UsageError(
            f"-p {one.target}: no node uses the project-wide param {name}",
            f'a node that wants it says: use = ["{name}"]',
        )
    changed = {}
    for user, node in users.items():
        params = _set(node.params, one.target, one.value, one.target, "the project declares")
        changed[user] = node._replace(params=params, overridden=_marked(node, one.target))
    return changed


def _marked(node: Node, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*node.overridden, key)))


def _set(params: Params, key: str, value: ParamValue, shown: str, whose: str) -> Params:
    try:
        return set_dotted(params, key, value)
    except UnknownParam as error:
        otherwise = f"{whose}: {', '.join(error.declared) or 'no params'}"
        mend = did_you_mean(key, error.declared, otherwise)
        raise UsageError(f"-p {shown}: {key} is not declared", mend) from None


def _unknown_target(target: str, nodes: Iterable[NodeName], shared: Params) -> UsageError:
    nodes = tuple(nodes)
    if target in nodes:
        return UsageError(
            f"-p {target}=…: which parameter of {target}?", f"write: -p {target}.KEY=VALUE"
        )
    name = target.rpartition(".")[0] or target
    return UsageError(
        f'-p {target}: no node and no project-wide param is called "{name}"',
        did_you_mean(name, (*nodes, *shared), "write: -p NODE.KEY=VALUE"),
    )

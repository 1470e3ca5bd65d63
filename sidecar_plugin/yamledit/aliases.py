"""Which nodes of a document are used in more than one place, through aliases (`*x`) and merge keys (`<<: *x`).

Text that is inserted behind an anchor shows wherever the anchor is used. An edit is safe only if every such place wants it.
"""

from sidecar_plugin.yamledit.nodes import MERGE_KEY, Alias, Mapping, Node, Scalar, Sequence


class Sharing:
    """The parents and aliases of one document's nodes."""

    __slots__ = ("_aliases", "_parents")

    def __init__(self, root: Node) -> None:
        self._parents: dict[int, tuple[Node, str]] = {}
        self._aliases: dict[int, list[Alias]] = {}  # by the node they stand for
        waiting = [root]
        while waiting:
            node = waiting.pop()
            children: list[tuple[Node, str]] = []
            if isinstance(node, Alias):
                self._aliases.setdefault(id(node.target), []).append(node)
            elif isinstance(node, Sequence):
                children = [(item, "") for item in node.items]
            elif isinstance(node, Mapping):
                children = [(value, _name(key)) for key, value in node.pairs]
            for child, key in children:
                self._parents[id(child)] = (node, key)
                waiting.append(child)

    def uses(self, node: Node, new_keys: dict[int, set[str]], added: set[str]) -> int | None:
        """Return in how many places `node` is used, None if that cannot be counted.

        `added` are the keys about to be added to `node`, if it is a mapping; a mapping that merges it but has, or by
        `new_keys` (keys by node id) gets, such a key of its own is no use of the addition.
        """
        chain: dict[int, set[str]] = {id(node): added}
        step: Node = node
        while (parent := self._parents.get(id(step))) is not None:
            chain[id(parent[0])] = {parent[1]}
            step = parent[0]
        uses = 1
        for target, keys in chain.items():
            for alias in self._aliases.get(target, ()):
                merging, key = self._parents[id(alias)]
                if key == MERGE_KEY and isinstance(merging, Mapping):
                    own = {name.value for name, _ in merging.pairs} | new_keys.get(id(merging), set())
                    if keys and keys <= own:
                        continue
                if self._is_shared(alias):
                    return None
                uses += 1
        return uses

    def _is_shared(self, alias: Alias) -> bool:
        step: Node = alias
        while (parent := self._parents.get(id(step))) is not None:
            step = parent[0]
            if id(step) in self._aliases:
                return True
        return False


def _name(key: Scalar) -> str:
    """Return the key's text; a merge key in quotes is a key like any other."""
    return f'"{key.value}"' if key.value == MERGE_KEY and key.style else key.value

"""What YAML text says, as numbers that are equal for what is equal: the proof that a conversion changed nothing else."""

from collections.abc import Collection

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.construct import DataError, resolve
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, follow, is_null

_DEEPEST = 200  # Kubernetes' own objects are some twenty levels deep


class Shapes:
    """Numbers for nodes; the same number means the same content, in whichever text. Aliases count as what they stand for."""

    __slots__ = ("_known", "_numbers")

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}
        self._known: dict[int, int] = {}

    def of(self, root: Node, ignored: frozenset[int] = frozenset()) -> int:
        """Return the number of a node; pairs whose value is among the `ignored` (by id) do not count.

        Raises ManifestError for more than 200 levels, an alias inside of what it stands for included.
        """
        self._known = {}
        return self._of(root, ignored, 0)

    def container(self, node: Mapping, variables: Collection[str]) -> int:
        """Return the number of a container without what declares it a sidecar: restartPolicy, and those `variables`."""
        self._known = {}
        pairs: list[tuple[str, object]] = []
        for key, value in node.pairs:
            if key.value == "restartPolicy":
                continue
            if key.value == "env":
                env = follow(value)
                items = env.items if isinstance(env, Sequence) else []
                if not isinstance(env, Sequence) and not is_null(env):
                    items = [env]
                own = tuple(
                    self._of(item, frozenset(), 0) for item in items if scalar_text(follow(item), "name") not in variables
                )
                if own:
                    pairs.append(("env", own))
                continue
            pairs.append((key.value, self._of(value, frozenset(), 0)))
        return self._number(("container", *pairs))

    def _number(self, content: tuple[object, ...]) -> int:
        return self._numbers.setdefault(content, len(self._numbers))

    def _of(self, node: Node, ignored: frozenset[int], depth: int) -> int:
        node = follow(node)
        if id(node) in self._known:
            return self._known[id(node)]
        if depth > _DEEPEST:
            raise ManifestError(f"nested more than {_DEEPEST} levels deep")
        if isinstance(node, Scalar):
            number = self._number(("scalar", node.value, _is_string(node), node.tag))
        elif isinstance(node, Sequence):
            number = self._number(("list", *[self._of(item, ignored, depth + 1) for item in node.items], node.tag))
        else:
            pairs = [(key.value, self._of(value, ignored, depth + 1)) for key, value in node.pairs if id(value) not in ignored]
            number = self._number(("mapping", *pairs, node.tag))
        self._known[id(node)] = number
        return number


def _is_string(node: Scalar) -> bool:
    """Say whether Kubernetes reads the scalar as a string; one that it cannot read counts as one."""
    try:
        return isinstance(resolve(node), str)
    except DataError:
        return True

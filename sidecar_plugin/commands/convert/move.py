"""What a move of containers between the lists of a pod spec is, and what comes of it."""

from typing import Any, NamedTuple

from sidecar_plugin.commands.convert.key_order import is_sorted_spec
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.documents import Edit
from sidecar_plugin.yamledit.nodes import Mapping, Node, Sequence


class MoveError(ManifestError):
    """Something that cannot be moved as it is written; `offset` is where it stands."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Move(NamedTuple):
    """Which items of the list `source` of the pod spec go to the list `target`, to its front or its end.

    `injected` are those that the program inserted; `keeps_key` says that a list which becomes empty keeps its key, as
    `uninject` expects, and `was_null` that its null had become a comment.
    """

    source: str
    target: str
    indexes: frozenset[int]
    injected: frozenset[int]
    to_front: bool
    keeps_key: bool
    was_null: bool

    @property
    def by_inject(self) -> bool:
        """Say whether all that moves was injected, and so goes and comes as `inject` and `uninject` would have it."""
        return self.injected == self.indexes


class Moved(NamedTuple):
    """The edits, and what became of the two keys: made new, its written-out null made a comment, gone."""

    edits: list[Edit]
    target_is_new: bool
    null_is_comment: bool
    source_is_gone: bool


def index_of_list(spec: Mapping, source: Sequence, by_inject: bool = False) -> int:
    """Return which pair a new list of init containers goes before: the containers, or the next one in the alphabet."""
    names = [key.value for key, _ in spec.pairs if key.value != "initContainers"]
    if not by_inject and is_sorted_spec(spec, source):
        return next((index for index, name in enumerate(names) if name > "initContainers"), len(names))
    return names.index("containers")


def data_of(item: Node) -> Any:
    """Return an injected container as plain data. Raises MoveError for what has none."""
    try:
        return to_data(item)
    except DataError as error:
        raise MoveError(error.message, error.offset) from None

"""Where a key goes in a mapping: by the alphabet if a program wrote the mapping so, else where a person would write it."""

from sidecar_plugin.yamledit.nodes import Mapping, Sequence

_HEAD = ("name", "image")
_MARKS = frozenset(("restartPolicy", "env"))


def is_sorted(container: Mapping) -> bool:
    """Say whether a container's keys stand in the order of the alphabet, as programs write them: `image` before `name`."""
    keys = [key.value for key, _ in container.pairs if key.value not in _MARKS]
    return "image" in keys and "name" in keys and keys == sorted(keys)


def is_sorted_spec(spec: Mapping, containers: Sequence) -> bool:
    """Say whether a pod spec's keys, and those of its first container, stand in the order of the alphabet."""
    keys = [key.value for key, _ in spec.pairs if key.value != "initContainers"]
    first = containers.items[0] if containers.items else None
    return keys == sorted(keys) and isinstance(first, Mapping) and is_sorted(first)


def place(container: Mapping, key: str) -> int:
    """Return how many pairs of the container, less `key` itself, stand in front of `key` where the program puts it."""
    keys = [name.value for name, _ in container.pairs if name.value != key]
    if is_sorted(container):
        before = [index for index, name in enumerate(keys) if name < key]
        return before[-1] + 1 if before else len(keys)
    if key != "restartPolicy":
        return len(keys)
    head = sorted(keys.index(name) for name in _HEAD if name in keys)
    if len(head) == 2 and head[1] != head[0] + 1:
        return keys.index("image") + 1
    return head[-1] + 1 if head else len(keys)

"""Searches in the text and the tree of a document, by which most documents are passed without being read closely."""

import re
from collections.abc import Iterator

from sidecar_plugin.yamledit.access import scalar_text, value_at
from sidecar_plugin.yamledit.nodes import Mapping, Node, Sequence, follow

CONTAINERS = "containers"
_ESCAPED = r"\\[xuU\n\r\x85\u2028\u2029]"
_MAX_DEPTH = 40  # levels to look for something like a pod template


OBJECTS_ABOUT_PODS = {"LimitRange": "", "ResourceQuota": "", "HorizontalPodAutoscaler": "autoscaling"}
"""The kinds that limit or scale pods, with their group; see stream_objects."""


def may_hold_objects_about_pods(text: str) -> bool:
    """Say whether an object that limits or scales pods can be in the text."""
    return any(kind in text for kind in OBJECTS_ABOUT_PODS)


def may_hold_services(text: str) -> bool:
    """Say whether a Service that selects pods can be in the text."""
    return "Service" in text and "selector" in text


def items_of(root: Node | None) -> Iterator[Mapping]:
    """Yield the objects of a document: itself, or the items of a list; each once, however often an alias repeats it."""
    waiting = [root]
    seen: set[int] = set()
    while waiting:
        node = value_at(waiting.pop())
        if id(node) in seen:
            continue
        seen.add(id(node))
        items = value_at(node, "items")
        if isinstance(items, Sequence):
            waiting.extend(reversed(items.items))
        elif isinstance(node, Mapping):
            yield node


def like_a_pod_template(root: Mapping) -> str | None:
    """Return the path of the first mapping whose `containers` have names and an image, None if there is none."""
    waiting: list[tuple[Node, str, int]] = [(root, "", 0)]
    seen: set[int] = set()
    while waiting:
        node, path, depth = waiting.pop()
        target = follow(node)
        if id(target) in seen or depth > _MAX_DEPTH:
            continue
        seen.add(id(target))
        if isinstance(target, Sequence):
            waiting += [(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(target.items)]
        elif isinstance(target, Mapping):
            listed = target.get(CONTAINERS)
            items = [follow(item) for item in listed.items] if isinstance(listed, Sequence) else []
            named = bool(items) and all(isinstance(item, Mapping) and scalar_text(item, "name") for item in items)
            if named and any(scalar_text(item, "image") for item in items):
                return path or "the object itself"
            waiting += [(value, f"{path}.{key.value}" if path else key.value, depth + 1) for key, value in target.pairs]
    return None


def stands_alone(kind: str, text: str) -> bool:
    """Say whether the word or its list, `PodList`, occurs in `text` and not as a part of another, as in PodDisruptionBudget."""
    found = text.find(kind)
    while found >= 0:
        end = found + len(kind)
        if text.startswith("List", end):
            end += 4
        if not _is_letter(text[end : end + 1]) and not _is_letter(text[found - 1 : found] if found else ""):
            return True
        found = text.find(kind, end)
    return False


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def has_escaped_letters(text: str) -> bool:
    """Say whether a word can occur in `text` in escaped letters (YAML 1.2.2, 5.7), which a search would miss."""
    return "\\" in text and re.search(_ESCAPED, text) is not None

"""Annotations and labels that agents add to one pod template."""

from sidecar_plugin.errors import ClashError, ManifestError
from sidecar_plugin.injection.pod_contents import PodContents
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.access import check_once, effective_pair, scalar_text
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, follow, is_null

_ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes that the keys and values of an object's annotations may have together (TotalAnnotationSizeLimitB in
https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go)."""


def clash(pod: PodTemplate, agent: str, what: str, node: Node, remedy: str) -> ClashError:
    """Return the error for something that the pod has and an agent adds."""
    message = f"{what} is in the pod already, and the agent {agent} adds one of that name; {remedy}"
    return ClashError(message, pod.document.place(node.start), pod.path + "spec")


def agents_clash(pod: PodTemplate, agent: str, other: str, what: str) -> ClashError:
    """Return the error for something that two agents add."""
    message = f"the agents {other} and {agent} both add {what}; change one of them"
    return ClashError(message, pod.document.place(pod.offset), pod.path + "spec")


class MetadataAdditions:
    """Collects annotations and labels of the agents, and the annotations that list sidecars."""

    __slots__ = ("_added", "_contents", "_listed")

    def __init__(self, contents: PodContents) -> None:
        self._contents = contents
        self._added: dict[str, dict[str, tuple[str, str]]] = {"annotations": {}, "labels": {}}
        self._listed: dict[str, list[str]] = {}  # by the annotation: the names of the agents' containers

    @property
    def listing(self) -> frozenset[str]:
        """The annotations that list the agents' containers."""
        return frozenset(self._listed)

    def list_in(self, annotations: tuple[str, ...], container: str) -> None:
        """Add a container's name to the annotations that list sidecars."""
        for annotation in annotations:
            self._listed.setdefault(annotation, []).append(container)

    def add(self, agent: str, kind: str, strings: dict[str, str]) -> None:
        """Add an agent's `annotations` or `labels`. Raises ClashError for one that has another value already."""
        own = self._contents.strings(kind) if strings else None
        for key, value in strings.items():
            found = effective_pair(own, key) if own else None
            if found is not None and own is not None:
                if isinstance(follow(found[1]), Scalar) and scalar_text(own, key) == value:
                    continue
                what = f'the pod\'s {kind[:-1]} "{key}" with another value'
                raise clash(self._contents.pod, agent, what, found[0], "change either")
            other, same = self._added[kind].get(key, (agent, value))
            if same != value:
                raise agents_clash(self._contents.pod, agent, other, f'the pod {kind[:-1]} "{key}", with different values')
            self._added[kind][key] = (other, value)

    def check_size(self, marker: dict[str, str]) -> None:
        """Raise ClashError for annotations that are too long together with the marker and those that the pod has."""
        added = {**{key: value for key, (_, value) in self._added["annotations"].items()}, **marker}
        size = _size(added)
        document = self._contents.pod.document
        if size + 4 * len(document.text) <= _ANNOTATIONS_LIMIT:  # a character has at most four bytes
            return
        own = self._contents.strings("annotations")
        texts = {key.value: scalar_text(own, key.value) for key, _ in own.pairs if isinstance(key, Scalar)} if own else {}
        size = _size({**{key: text or "" for key, text in texts.items()}, **added})
        if size > _ANNOTATIONS_LIMIT:
            message = (
                f"with those of the agents and the marker the pod's annotations have {size} bytes, and the API server takes "
                f"{_ANNOTATIONS_LIMIT} together; shorten podAnnotations, or mount the data from a ConfigMap"
            )
            raise ClashError(
                message, document.place(self._contents.pod.offset), f"{self._contents.pod.path}metadata.annotations"
            )

    def strings(self) -> dict[str, dict[str, str]]:
        """Return the pod annotations and labels to add, without the marker."""
        own = self._contents.strings("annotations") if self._listed else None
        listed = {
            key: ",".join(names) for key, names in self._listed.items() if own is None or effective_pair(own, key) is None
        }
        return {
            "annotations": {**{key: value for key, (_, value) in self._added["annotations"].items()}, **listed},
            "labels": {key: value for key, (_, value) in self._added["labels"].items()},
        }

    def joined_names(self) -> dict[str, list[str]]:
        """Return what is appended to values of annotations, by their field paths."""
        return {f"metadata.annotations[{key}]": [text] for key, _, _, text in self.joined()}

    def joined(self) -> list[tuple[str, Mapping, Scalar, str]]:
        """Return what is appended to the values of listing annotations that the pod has already: the key, the annotations, the
        value, and the text to append. Raises ManifestError for a value that is not text."""
        own = self._contents.strings("annotations") if self._listed else None
        found = []
        for key, names in self._listed.items():
            pair = effective_pair(own, key) if own else None
            if pair is None or own is None:
                continue
            check_once(self._contents.pod.document, own, key, f"{self._contents.pod.path}metadata.annotations.")
            if pair not in own.pairs or not isinstance(pair[1], Scalar) or is_null(pair[1]):
                message = f'the annotation "{key}" must list the sidecars, and its value is not text; write it out as text'
                raise ManifestError(
                    message, self._contents.pod.document.place(pair[0].start), f"{self._contents.pod.path}metadata.annotations"
                )
            listed = [name.strip() for name in pair[1].value.split(",") if name.strip()]
            new = [name for name in names if name not in listed]
            if new:
                found.append((key, own, pair[1], ("," if listed else "") + ",".join(new)))
        return found


def _size(strings: dict[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in strings.items())

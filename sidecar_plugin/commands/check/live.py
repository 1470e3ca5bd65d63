"""What a cluster holds, as texts that the rules read like files: each object is one, named NAMESPACE/KIND/NAME."""

from typing import Any, NamedTuple

from sidecar_plugin.commands.check.nodes import ABOUT_THE_CLUSTER
from sidecar_plugin.kubernetes.kubectl import Kubectl, source_of, without_owned
from sidecar_plugin.kubernetes.pod_templates import WorkloadKinds
from sidecar_plugin.kubernetes.text_search import OBJECTS_ABOUT_PODS
from sidecar_plugin.yamledit.source import Source


class LiveObjects(NamedTuple):
    """The objects of a cluster: those `about` the cluster itself, `owned` pods that a controller made, and its `own` others;
    `unread` are the types that the user may not list."""

    about: list[Source]
    own: list[Source]
    owned: list[Source]
    unread: list[str]


def live_objects(kubectl: Kubectl, kinds: WorkloadKinds) -> LiveObjects:
    """Read what the rules look at. Raises KubectlError."""
    types = kubectl.types()
    objects, unread = kubectl.objects(types.names([*kinds.listed(), *_keys(OBJECTS_ABOUT_PODS)]))
    about, more_unread = kubectl.objects(types.names(_keys(ABOUT_THE_CLUSTER)), is_namespaced=False)
    own = without_owned(objects)
    ours = {id(each) for each in own}
    owned = [each for each in objects if id(each) not in ours and each.get("kind") == "Pod"]
    return LiveObjects(_sources(about), _sources(own), _sources(owned), [*unread, *more_unread])


def _keys(groups: dict[str, str]) -> list[tuple[str, str]]:
    return [(group, kind) for kind, group in groups.items()]


def _sources(objects: list[dict[str, Any]]) -> list[Source]:
    return [source_of(each) for each in objects]

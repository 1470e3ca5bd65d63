"""What a cluster holds, as texts that the rules read like files: each object is one, named NAMESPACE/KIND/NAME."""

from typing import Any, NamedTuple

from sidecar_plugin.commands.check.nodes import ABOUT_THE_CLUSTER, GROUPS_ABOUT_THE_CLUSTER
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
    wanted = {*kinds.listed(), *(("autoscaling" if kind.startswith("Horiz") else "", kind) for kind in OBJECTS_ABOUT_PODS)}
    objects, unread = kubectl.objects([each.name for each in types if (each.group, each.kind) in wanted])
    others = [each.name for each in types if each.kind in ABOUT_THE_CLUSTER and each.group in GROUPS_ABOUT_THE_CLUSTER]
    about, more_unread = kubectl.objects(others, is_namespaced=False)
    own = without_owned(objects)
    ours = {id(each) for each in own}
    owned = [each for each in objects if id(each) not in ours and each.get("kind") == "Pod"]
    return LiveObjects(_sources(about), _sources(own), _sources(owned), [*unread, *more_unread])


def _sources(objects: list[dict[str, Any]]) -> list[Source]:
    return [source_of(each) for each in objects]

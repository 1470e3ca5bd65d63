"""What a cluster holds, as texts that the rules read like files: each object is one, named NAMESPACE/KIND/NAME."""

from typing import Any, NamedTuple

from sidecar_plugin.commands.check.nodes import ABOUT_THE_CLUSTER
from sidecar_plugin.kubernetes.kubectl import Kubectl
from sidecar_plugin.kubernetes.pod_templates import WorkloadKinds
from sidecar_plugin.kubernetes.text_search import OBJECTS_ABOUT_PODS
from sidecar_plugin.yamledit.emitter import block
from sidecar_plugin.yamledit.source import Source


class LiveObjects(NamedTuple):
    """The objects of a cluster: `owned` are pods that a controller made, `unread` the types that the user may not list."""

    own: list[Source]
    owned: list[Source]
    unread: list[str]


def live_objects(kubectl: Kubectl, kinds: WorkloadKinds) -> LiveObjects:
    """Read what the rules look at. Raises KubectlError."""
    types = kubectl.types()
    wanted = {*kinds.listed(), *(("autoscaling" if kind.startswith("Horiz") else "", kind) for kind in OBJECTS_ABOUT_PODS)}
    objects, unread = kubectl.objects([each.name for each in types if (each.group, each.kind) in wanted])
    others = [
        each.name for each in types if each.kind in ABOUT_THE_CLUSTER and each.group in ("", "admissionregistration.k8s.io")
    ]
    about, more_unread = kubectl.objects(others, is_namespaced=False)
    known = {_metadata(each).get("uid") for each in objects}
    own, owned = [], []
    for each in objects:
        if not any(owner.get("controller") and owner.get("uid") in known for owner in _owners(each)):
            own.append(_source(each))
        elif each.get("kind") == "Pod":
            owned.append(_source(each))
    return LiveObjects([*map(_source, about), *own], owned, [*unread, *more_unread])


def _source(data: dict[str, Any]) -> Source:
    """Return an object as `kubectl get -o yaml` shows it."""
    metadata = {key: value for key, value in _metadata(data).items() if key != "managedFields"}
    name = "/".join(str(part) for part in (metadata.get("namespace"), data.get("kind"), metadata.get("name")) if part)
    return Source(name, "".join(f"{line}\n" for line in block({**data, "metadata": metadata}, 0)))


def _metadata(data: dict[str, Any]) -> dict[str, Any]:
    metadata = data.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _owners(data: dict[str, Any]) -> list[dict[str, Any]]:
    owners = _metadata(data).get("ownerReferences")
    return [owner for owner in owners if isinstance(owner, dict)] if isinstance(owners, list) else []

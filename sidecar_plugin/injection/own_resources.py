"""ConfigMaps and Secrets that an agent brings for one workload: they have its name, and are there when its pods start.

A resource that is `immutable` holds what one pod template needs, so it belongs to the workload. Two releases in a namespace
have no workload in common, so they never bring the same one: Helm refuses a resource that another release owns. That of a hook
is a hook too, created before it: https://helm.sh/docs/topics/charts_hooks/ and
https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/.
"""

from typing import Any

from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.kubernetes.origin import annotation
from sidecar_plugin.kubernetes.pod_templates import PodTemplate

Data = dict[str, Any]

HOOK = "helm.sh/hook"
_WEIGHT = "helm.sh/hook-weight"
_KEPT = (
    HOOK, "helm.sh/hook-delete-policy",
    "argocd.argoproj.io/hook", "argocd.argoproj.io/hook-delete-policy", "argocd.argoproj.io/sync-wave",
)  # fmt: skip
_REFERENCES = {
    "configMap": "ConfigMap", "configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap",
    "secret": "Secret", "secretRef": "Secret", "secretKeyRef": "Secret",
}  # fmt: skip
"""Fields of volumes and variables that name a ConfigMap or Secret, by `name` or `secretName`."""
_MAX_NAME = 253


def own(pod: PodTemplate, parts: Parts, container: Data) -> tuple[Parts, Data]:
    """Return what an agent adds to a pod, and its container, with the resources that belong to the workload named after it."""
    names = {
        (one["kind"], one["metadata"]["name"]): _name(pod, one["metadata"]["name"]) for one in parts.manifests if is_own(one)
    }
    if not names or not pod.name:
        return parts, container
    annotations = _annotations(pod)
    manifests = [_owned(one, names, annotations) if is_own(one) else one for one in parts.manifests]
    return parts._replace(
        manifests=manifests,
        volumes=_renamed(parts.volumes, names),
        init_containers=_renamed(parts.init_containers, names),
        application_env=_renamed(parts.application_env, names),
    ), _renamed(container, names)


def is_own(manifest: Data) -> bool:
    """Say whether a resource that an agent brings belongs to the workload."""
    return manifest["kind"] in ("ConfigMap", "Secret") and manifest.get("immutable") is True


def late_warning(pod: PodTemplate, agent: str, manifests: list[Data]) -> str:
    """Return the warning for a workload that runs as a hook before resources of the agent are created, "" for any other."""
    late = [f"{one['kind']}/{one['metadata']['name']}" for one in manifests if not is_own(one)]
    events = f"{annotation(pod.root, HOOK)},{annotation(pod.root, 'argocd.argoproj.io/hook')}".split(",")
    before = [event.strip() for event in events if event.strip().lower().startswith("pre")]
    if not late or not before:
        return ""
    return (
        f"it is a hook ({', '.join(before)}) and runs before {', '.join(late)} of the agent {agent} is created; a pod that "
        "needs a ConfigMap or Secret waits for it: give that one `immutable: true`, which makes it the workload's own"
    )


def _name(pod: PodTemplate, name: str) -> str:
    """Return the name of the workload's own resource, with a hash in place of its end where it would be too long."""
    whole = f"{pod.name}-{pod.kind.lower()}-{name}"
    if len(whole) <= _MAX_NAME:
        return whole
    from hashlib import sha256  # late: few names are so long

    digest = sha256(whole.encode()).hexdigest()[:10]
    return f"{whole[: _MAX_NAME - 11].rstrip('.-')}-{digest}"


def _annotations(pod: PodTemplate) -> dict[str, str]:
    """Return the annotations by which a resource is created when the workload is, and before a hook."""
    found = {key: text for key in _KEPT if (text := annotation(pod.root, key))}
    if HOOK in found:
        try:
            weight = int(annotation(pod.root, _WEIGHT) or 0)
        except ValueError:
            weight = 0  # as Helm takes it
        found[_WEIGHT] = str(weight - 1)
    return found


def _owned(manifest: Data, names: dict[tuple[str, str], str], annotations: dict[str, str]) -> Data:
    metadata = {**manifest["metadata"], "name": names[manifest["kind"], manifest["metadata"]["name"]]}
    if annotations:
        metadata["annotations"] = {**annotations, **(metadata.get("annotations") or {})}
    return {**manifest, "metadata": metadata}


def _renamed(data: Any, names: dict[tuple[str, str], str]) -> Any:
    """Return data in which references to the resources have their new names."""
    if isinstance(data, list):
        return [_renamed(item, names) for item in data]
    if not isinstance(data, dict):
        return data
    changed = {key: _renamed(value, names) for key, value in data.items()}
    for key, kind in _REFERENCES.items():
        reference = changed.get(key)
        if isinstance(reference, dict):
            changed[key] = {
                field: names.get((kind, value), value) if field in ("name", "secretName") else value
                for field, value in reference.items()
            }
    return changed

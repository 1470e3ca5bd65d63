"""TODO."""

from typing import NamedTuple

POD_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


BUILT_IN_GROUPS = frozenset(("", "apps", "batch", "extensions"))


RUN_TO_COMPLETION = frozenset(("Job", "CronJob"))


class CustomWorkload(NamedTuple):
    """A custom resource with a pod template: where it is found in which kind of which API group."""

    group: str
    kind: str
    pod_template: tuple[str, ...]

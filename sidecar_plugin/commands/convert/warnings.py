"""What a pod loses by a conversion, though its containers stay what they are."""

from typing import NamedTuple

from sidecar_plugin.commands.convert.plan import Change, list_of
from sidecar_plugin.injection.sidecars import string_of, variables
from sidecar_plugin.kubernetes.containers import Container, containers
from sidecar_plugin.kubernetes.declarations import DECLARATIONS
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.access import effective_pair, items_at, scalar_text
from sidecar_plugin.yamledit.nodes import follow


class Loss(NamedTuple):
    """A message for the user; `is_lasting` says that converting back does not restore the pod."""

    message: str
    is_lasting: bool = False


NOT_TO_THE_BYTE = Loss("converting back gives the same pod, but not the same text to the byte (layout, comments, key order)")


def of(pod: PodTemplate, changes: tuple[Change, ...]) -> list[Loss]:
    """Return what the pod loses by its changes."""
    plain = [each for each in containers(pod) if each.list_name == "initContainers" and not _is_native(each)]
    moving = {change.sidecar.container.place for change in changes}
    listed = list_of(pod, "containers")[1].items
    last = max((index for index in range(len(listed)) if index not in moving), default=-1)  # of the containers that stay
    return [loss for change in changes for loss in _of_change(change, plain, last)]


def _of_change(change: Change, plain: list[Container], last: int) -> list[Loss]:
    found = []
    if change.sidecar.container.list_name == "initContainers":
        found += _of_native(change, plain)
    elif change.target == "initContainers":
        found += _of_container(change, plain, last)
    found += _of_values(change)
    if not DECLARATIONS[change.to].is_ordered:
        message = f"as a {change.to} container nothing starts it before the application or ends it after it"
        found.append(Loss(f"{_who(change)}: {message}"))
    return found


def _of_values(change: Change) -> list[Loss]:
    """Variables that are taken out with a value of the author's own."""
    ours = DECLARATIONS[change.sidecar.declaration].variables
    kept = DECLARATIONS[change.to].variables
    found = []
    for entry in variables(change.sidecar.container.node, ours):
        value = string_of(entry.value)
        if value != ours[entry.name] and entry.name not in kept:
            message = f'its {entry.name}: "{value}" is lost, converting back writes "{ours[entry.name]}"'
            found.append(Loss(f"{_who(change)}: {message}", is_lasting=True))
    return found


def _of_native(change: Change, plain: list[Container]) -> list[Loss]:
    """A native sidecar is started in the order of the list, and its startup probe holds back all that follows (KEP-753)."""
    found = []
    here = change.sidecar.container.place
    before = [each.name for each in plain if each.place < here]
    behind = [each.name for each in plain if each.place > here]
    if before:
        message = f"it starts after the init container {_all(before)}; that order is lost, converting back puts it first"
        found.append(Loss(f"{_who(change)}: {message}", is_lasting=True))
    if behind:
        message = f"it runs before the init container {_all(behind)}; as {change.to} it starts when they have ended"
        found.append(Loss(f"{_who(change)}: {message}"))
    if effective_pair(change.sidecar.container.node, "startupProbe"):
        message = f"its startupProbe holds the application back; as {change.to} nothing waits for it"
        found.append(Loss(f"{_who(change)}: {message}"))
    return found


def _of_container(change: Change, plain: list[Container], last: int) -> list[Loss]:
    """A container that becomes a native sidecar starts in front of the pod's own init containers."""
    found = []
    here = change.sidecar.container
    if here.place < last:
        moved = "it is not the last container; that place is lost, converting back puts it last"
        found.append(Loss(f"{_who(change)}: {moved}", is_lasting=True))
    volumes = _volumes(here)
    sharing = [each.name for each in plain if _volumes(each) & volumes] if volumes else []
    if sharing:
        message = f"it now starts before the init container {_all(sharing)}, which mounts a volume of its"
        found.append(Loss(f"{_who(change)}: {message}; if it reads what that one writes, put it behind it"))
    return found


def _is_native(container: Container) -> bool:
    return scalar_text(container.node, "restartPolicy") == "Always"


def _volumes(container: Container) -> set[str]:
    names = (scalar_text(follow(item), "name") for item in items_at(container.node, "volumeMounts"))
    return {name for name in names if name}


def _who(change: Change) -> str:
    return f'the container "{change.sidecar.container.name}"'


def _all(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)

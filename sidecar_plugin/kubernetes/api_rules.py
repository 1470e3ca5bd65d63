"""What the API server checks of a container or a volume besides types and single fields: how fields go together.

Source: pkg/apis/core/validation/validation.go of kubernetes/kubernetes. Single fields are in `pod_schema.json`, by
tools/kubernetes-schema. Each function takes plain data of the right types and yields the problems it finds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sidecar_plugin.kubernetes.quantities import WHOLE, parse_quantity
from sidecar_plugin.runtime.json_schema import Path, Problem

Data = Mapping[str, Any]
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
_ENV_FIELDS = ("name", "namespace", "uid", "labels[", "annotations[")


def container_problems(container: Data, is_plain_init: bool = False) -> Iterator[Problem]:
    """Yield what is wrong with a container; `is_plain_init` for an init container that is no native sidecar."""
    yield from _variables(container)
    yield from _ports(container)
    yield from _probes(container, is_plain_init)
    yield from _mounts(container)
    yield from _resources(container)
    yield from _security(container)


def volume_problems(volume: Data) -> Iterator[Problem]:
    """Yield what is wrong with a volume."""
    sources = [key for key, value in volume.items() if key != "name" and value is not None]
    if len(sources) > 1:
        yield Problem([sources[1]], f"is the second source of the volume, besides {sources[0]}; a volume has one")
    for path, one in (*_items(volume.get("projected"), "sources", ["projected"]),):
        yield from _exactly_one(one, path, tuple(one), "one source, such as configMap, secret or downwardAPI")
    for path, one in (*_items(volume.get("downwardAPI"), "items", ["downwardAPI"]),):
        yield from _exactly_one(one, path, ("fieldRef", "resourceFieldRef"), "one of fieldRef and resourceFieldRef")
        field = (one.get("fieldRef") or {}).get("fieldPath") or ""
        if field.startswith(("spec.", "status.")):
            yield Problem([*path, "fieldRef", "fieldPath"], f"{field} is for variables only; a volume takes fields of metadata")


def _variables(container: Data) -> Iterator[Problem]:
    for path, entry in _items(container, "env", []):
        source = entry.get("valueFrom")
        if source is None:
            continue
        if entry.get("value"):
            yield Problem([*path, "valueFrom"], "stands beside value; a variable has one of the two")
        yield from _exactly_one(source, [*path, "valueFrom"], _ENV_SOURCES, f"one of {', '.join(_ENV_SOURCES)}")
        field = (source.get("fieldRef") or {}).get("fieldPath") or ""
        if field.startswith("metadata.") and not field.removeprefix("metadata.").startswith(_ENV_FIELDS):
            message = f"{field} as a whole is for volumes only; a variable takes one of them, such as {field}['KEY']"
            yield Problem([*path, "valueFrom", "fieldRef", "fieldPath"], message)
    for path, entry in _items(container, "envFrom", []):
        yield from _exactly_one(entry, path, ("configMapRef", "secretRef"), "one of configMapRef and secretRef")


def _ports(container: Data) -> Iterator[Problem]:
    names: set[str] = set()
    for path, port in _items(container, "ports", []):
        name = port.get("name")
        if name and name in names:
            yield Problem([*path, "name"], f'the port name "{name}" stands twice')
        names.add(name or "")


def _probes(container: Data, is_plain_init: bool) -> Iterator[Problem]:
    named = {port.get("name") for _, port in _items(container, "ports", [])}
    for key in (*PROBES, "lifecycle"):
        if is_plain_init and container.get(key):
            yield Problem(
                [key], "is for containers that run on; an init container ends (restartPolicy: Always makes it run on)"
            )
    handlers: list[tuple[Path, Data]] = []
    for key in PROBES:
        probe = container.get(key)
        if probe is None:
            continue
        yield from _exactly_one(probe, [key], _PROBE_HANDLERS, f"one of {', '.join(_PROBE_HANDLERS)}")
        if key != "readinessProbe" and probe.get("successThreshold") not in (None, 0, 1):
            yield Problem([key, "successThreshold"], f"must be 1 in a {key}")
        if key == "readinessProbe" and probe.get("terminationGracePeriodSeconds") is not None:
            yield Problem([key, "terminationGracePeriodSeconds"], "has no meaning in a readinessProbe, which ends nothing")
        handlers.append(([key], probe))
    for hook in ("postStart", "preStop"):
        handler = (container.get("lifecycle") or {}).get(hook)
        if handler is not None:
            yield from _exactly_one(handler, ["lifecycle", hook], _HOOK_HANDLERS, f"one of {', '.join(_HOOK_HANDLERS)}")
            handlers.append((["lifecycle", hook], handler))
    for path, handler in handlers:
        for kind in ("httpGet", "tcpSocket"):
            port = (handler.get(kind) or {}).get("port")
            if isinstance(port, int) and not 0 < port < 65536:
                yield Problem([*path, kind, "port"], f"must be from 1 to 65535, but is {port}")
            elif isinstance(port, str) and port not in named:
                yield Problem([*path, kind, "port"], f'no port of the container has the name "{port}"')


def _mounts(container: Data) -> Iterator[Problem]:
    paths: set[str] = set()
    for path, mount in _items(container, "volumeMounts", []):
        if mount.get("subPath") and mount.get("subPathExpr"):
            yield Problem([*path, "subPathExpr"], "stands beside subPath; a mount has one of the two")
        if mount["mountPath"] in paths:
            yield Problem([*path, "mountPath"], f"{mount['mountPath']} is mounted twice in the container")
        paths.add(mount["mountPath"])


def _resources(container: Data) -> Iterator[Problem]:
    resources = container.get("resources") or {}
    limits, requests = (resources.get(kind) or {} for kind in ("limits", "requests"))
    for name, request in requests.items():
        if name in limits and parse_quantity(request) > parse_quantity(limits[name]):
            yield Problem(["resources", "requests", name], f"the request {request} is above the limit {limits[name]}")
        elif "/" in name and (name not in limits or parse_quantity(limits[name]) != parse_quantity(request)):
            yield Problem(["resources", "requests", name], f"needs a limit of the same amount: {name} cannot be shared")
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            part = parse_quantity(amount) % WHOLE if name != "cpu" else 0
            if part and name in ("memory", "ephemeral-storage"):
                message = f"{amount} is no whole number of bytes; m stands for thousandths, Mi for MiB"
                yield Problem(["resources", kind, name], message)
            elif part:
                yield Problem(["resources", kind, name], f"must be a whole number, but is {amount}")


def _security(container: Data) -> Iterator[Problem]:
    context = container.get("securityContext") or {}
    if context.get("allowPrivilegeEscalation") is False:
        added = (context.get("capabilities") or {}).get("add") or ()
        if context.get("privileged") is True or "SYS_ADMIN" in added:
            what = "privileged" if context.get("privileged") else "the capability SYS_ADMIN"
            yield Problem(["securityContext", "allowPrivilegeEscalation"], f"cannot be false with {what}")
    for key in ("seccompProfile", "appArmorProfile"):
        profile = context.get(key) or {}
        if (profile.get("type") == "Localhost") != bool(profile.get("localhostProfile")):
            yield Problem(["securityContext", key], "type: Localhost and localhostProfile go together")


def _exactly_one(data: Data, path: Path, keys: tuple[str, ...], needed: str) -> Iterator[Problem]:
    """Yield a problem unless just one of the keys has a value."""
    there = [key for key in keys if data.get(key) is not None]
    if not there:
        yield Problem(path, f"needs {needed}")
    elif len(there) > 1:
        yield Problem([*path, there[1]], f"stands beside {there[0]}; there can be {needed}")


def _items(data: Data | None, key: str, path: Path) -> Iterator[tuple[Path, Data]]:
    """Yield the mappings of a list with their paths."""
    for index, item in enumerate((data or {}).get(key) or ()):
        if isinstance(item, Mapping):
            yield [*path, key, index], item

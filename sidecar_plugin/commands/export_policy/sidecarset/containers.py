"""What a SidecarSet adds to a pod, and what of an agent it cannot add.

A SidecarSet writes the same into every pod, adds nothing to the application's containers, and adds a volume only where one of
its containers mounts it. Source: https://openkruise.io/docs/user-manuals/sidecarset, and the code of its webhook.
"""

from typing import Any

from sidecar_plugin.commands.export_policy.agents import NAME, NAMESPACE, Addition, PolicyAgents
from sidecar_plugin.commands.export_policy.sidecarset.kruise import INIT_CONTAINERS_SHARE_VOLUMES, NATIVE, Kruise, text
from sidecar_plugin.injection.pod_contents import STDOUT
from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.settings import Settings

Data = dict[str, Any]

_CANNOT = {
    "containers.env": (
        "adds variables to the application's containers, which a SidecarSet cannot do; set them in the application "
        "(the built-in agents: otlp.setEnv: false, egress.setEnv: false)"
    ),
    "containers.volumeMounts": (
        "mounts a volume into the application's containers, which a SidecarSet cannot do; let it read a volume of the pod's "
        "own (the agent logging: volume in each of its sources), or no files (sources: [])"
    ),
    "metadata.labels": "adds labels to the pod, which a SidecarSet cannot do; use podAnnotations",
}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
"""The defaults of a probe. OpenKruise sets those of liveness and readiness probes only, and refuses a startup probe without."""
_HTTP_GET = {"path": "/", "scheme": "HTTP"}
_FIELDS = {NAME: "metadata.name", NAMESPACE: "metadata.namespace"}


def check_declaration(settings: Settings, added: PolicyAgents, kruise: Kruise, results: Results) -> None:
    """Raise SettingsError for a declaration with which a SidecarSet's pods would not work."""
    declaration = added.declaration
    if declaration.list_name == "initContainers" and not kruise.has(NATIVE):
        instead = platforms.named(settings.platform).before_native
        raise settings.error(
            f"native sidecars need OpenKruise {text(NATIVE)}, and {kruise.limit()}; use declaration: {instead}", ["declaration"]
        )
    if declaration.listed_in:
        message = f"the declaration {declaration.name} lists its containers in an annotation, to which a SidecarSet cannot add"
        raise settings.error(f"{message}; leave these pods to rendering", ["declaration"])
    if declaration.name == "regular":
        message = "a SidecarSet cannot leave out pods that run to completion, and with regular sidecars these never end"
        if settings.declaration == "auto":
            raise settings.error(
                f"{message}; use targets by which no such pod is selected, with declaration: regular", ["declaration"]
            )
        results.warn(f"{message}; select none by targets", None)


def check_additions(settings: Settings, added: PolicyAgents) -> None:
    """Raise SettingsError, at the agent, for what a SidecarSet cannot add to a pod."""
    stdout: set[str] = set()
    for addition in added.additions:
        agent = addition.agents[0]
        if addition.path in _CANNOT:
            raise settings.error(f"the agent {agent} {_CANNOT[addition.path]}", ["agents", agent])
        if _is_stdout(addition.value):
            stdout.add(addition.key)
            if len(stdout) > 1:
                message = (
                    f"the agent {agent} adds a second volume of medium {STDOUT}, which a SidecarSet cannot share with the first"
                )
                raise settings.error(f"{message}; give both the name {min(stdout)}", ["agents", agent])


def check_order(added: PolicyAgents, kruise: Kruise, results: Results) -> None:
    """Warn where OpenKruise starts init containers in another order than injection does."""
    inits = [one for one in added.additions if one.path == "spec.initContainers"]
    first = [one.key for one in inits if one.first]
    for names in (first, [one.key for one in inits if not one.first]):
        if names != sorted(names):
            results.warn(f"OpenKruise sorts init containers by name: {', '.join(sorted(names))} start in this order", None)
    if first and not kruise.has(NATIVE):
        results.warn(f"OpenKruise starts {', '.join(first)} behind the pod's own init containers", None)


def _is_stdout(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("emptyDir"), dict) and value["emptyDir"].get("medium") == STDOUT


def with_fields(settings: Settings, addition: Addition) -> Any:
    """Return what is added, with variables that are the pod's name or namespace read from the pod itself.

    Raises SettingsError, at the agent, where the name or the namespace is anywhere else.
    """
    value = addition.value
    if addition.path in ("spec.containers", "spec.initContainers") and isinstance(value.get("env"), list):
        value = {**value, "env": [_variable(entry) for entry in value["env"] if isinstance(entry, dict)]}
    if NAME in repr(value) or NAMESPACE in repr(value):
        agent = addition.agents[0]
        raise settings.error(
            f"the agent {agent} takes the pod's name or namespace into {addition.path} {addition.key}, and a SidecarSet writes "
            "the same into every pod; read it from a variable of the container (valueFrom.fieldRef)",
            ["agents", agent],
        )
    return value


def _variable(entry: Data) -> Data:
    field = _FIELDS.get(str(entry.get("value")))
    return {"name": entry["name"], "valueFrom": {"fieldRef": {"fieldPath": field}}} if field else entry


def pod_fields(settings: Settings, own: list[Addition], kruise: Kruise, results: Results) -> Data:
    """Return the fields of a SidecarSet's spec with what is added to a pod's lists. Raises SettingsError, at the agent."""
    volumes = {one.key: with_fields(settings, one) for one in own if one.path == "spec.volumes"}
    fields = {
        key: [_sidecar(settings, one, volumes, kruise, results) for one in own if one.path == f"spec.{key}"]
        for key in ("initContainers", "containers")
    }
    mounted = {mount["name"] for items in fields.values() for item in items for mount in _mounts(item)}
    for one in own:
        if one.path == "spec.volumes" and one.key not in mounted:
            message = f"the agent {one.agents[0]} adds the volume {one.key}, which none of its containers mounts"
            remedy = "a SidecarSet adds only volumes that its containers mount; mount it, or leave it out"
            raise settings.error(f"{message}; {remedy}", ["agents", one.agents[0]])
    fields["volumes"] = list(volumes.values())
    fields["imagePullSecrets"] = [one.value for one in own if one.path == "spec.imagePullSecrets"]
    return {key: items for key, items in fields.items() if items}


def _with_defaults(container: Data) -> Data:
    probe = container.get("startupProbe")
    if not isinstance(probe, dict):
        return container
    filled = _filled(probe, _PROBE)
    if isinstance(probe.get("httpGet"), dict):
        filled["httpGet"] = _filled(probe["httpGet"], _HTTP_GET)
    return {**container, "startupProbe": filled}


def _filled(data: Data, defaults: Data) -> Data:
    return {**data, **{key: value for key, value in defaults.items() if data.get(key) is None}}


def _mounts(container: Data) -> list[Data]:
    return [mount for mount in container.get("volumeMounts") or () if isinstance(mount, dict)]


def _sidecar(settings: Settings, addition: Addition, volumes: Data, kruise: Kruise, results: Results) -> Data:
    container = _with_defaults(with_fields(settings, addition))
    mounts = _mounts(container)
    foreign = [mount for mount in mounts if mount["name"] not in volumes]
    is_init = addition.path == "spec.initContainers"
    policy = {"podInjectPolicy": "BeforeAppContainer" if addition.first else "AfterAppContainer"}
    if is_init and not kruise.has(NATIVE):
        policy = {}
    if not foreign:
        return {**container, **policy}
    agent, mount = addition.agents[0], foreign[0]
    if is_init and not kruise.has(INIT_CONTAINERS_SHARE_VOLUMES):
        raise settings.error(
            f"the init container {container['name']} of the agent {agent} mounts a volume of the pod's own, {mount['name']}: "
            f"that needs OpenKruise {text(INIT_CONTAINERS_SHARE_VOLUMES)}, and {kruise.limit()}",
            ["agents", agent],
        )
    results.warn(
        f"the agent {agent} mounts the pod's own volume {mount['name']}: a SidecarSet gives it all mounts of the application's "
        f"containers, as they have them (shareVolumePolicy), so they must mount that volume at {mount['mountPath']}",
        None,
    )
    own = [one for one in mounts if one not in foreign]
    return {**container, "volumeMounts": own, **policy, "shareVolumePolicy": {"type": "enabled"}}

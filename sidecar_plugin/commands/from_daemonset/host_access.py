"""What a DaemonSet's pod has of its node, and what becomes of it in a sidecar.

A sidecar shares the pod of an application, often on a node that nobody may look into: no path of the node, none of its
namespaces, no rights on it. The capabilities that any pod may add are those of Kubernetes' Pod Security Standard "Baseline":
https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

import re
from typing import Any, NamedTuple

Data = dict[str, Any]

LOGS, EXCHANGE, STATE, NODE = "logs", "exchange", "state", "node"
_FILES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "SETFCAP", "SYS_CHROOT")
_OTHERS = ("AUDIT_WRITE", "KILL", "NET_BIND_SERVICE", "SETGID", "SETPCAP", "SETUID")
BASELINE = frozenset((*_FILES, *_OTHERS))
POD_FIELDS = {
    "hostNetwork": "it shares the application's network and ports instead of the node's",
    "hostPID": "it sees only its own processes",
    "hostIPC": "it has no access to the node's IPC",
    "shareProcessNamespace": "it is the application's pod that decides this",
}
"""Fields of the pod that are true for a node agent, and what a sidecar has instead."""
_CONTAINER_KEYS = ("runAsUser", "runAsGroup", "runAsNonRoot", "seLinuxOptions", "seccompProfile", "appArmorProfile")
_OUTPUT_OF_CONTAINERS = re.compile(r"/var/lib/docker/containers(/|$)|/var/log/(pods|containers)(/|$)")
_LOG_FOLDER = re.compile(r"/var/log(/|$)")
_STATE = re.compile(r"/(var/lib|var/tmp|var/cache|var/spool|var/run|run|opt|tmp)/[^/]")
_RUNTIMES = re.compile(r"(docker|containerd|crio|cri-|dockershim|kubelet|udev|systemd|dbus|cni|netns|secrets)")


class HostPath(NamedTuple):
    """A volume that is a path of the node: its `kind` is one of LOGS, EXCHANGE, STATE and NODE."""

    volume: str
    path: str
    kind: str


def host_path_of(volume: Data, mounts: list[Data], texts: list[str]) -> HostPath:
    """Return what becomes of a hostPath volume that a container mounts; `texts` are its command, arguments and variables.

    LOGS: a folder of log files, which the applications of the pod can share. EXCHANGE: a folder in which the container makes a
    socket (a text names one below its mount), which the applications can share too. STATE: a folder that the agent writes for
    itself, kept as long as the pod. NODE: all else, which there is none of.
    """
    path = _normal((volume.get("hostPath") or {}).get("path"))
    kind = str((volume.get("hostPath") or {}).get("type") or "")
    own = [_normal(mount["mountPath"]) for mount in mounts]
    is_written = any(not mount.get("readOnly") for mount in mounts)
    if _LOG_FOLDER.match(path) or _OUTPUT_OF_CONTAINERS.match(path):
        return HostPath(volume["name"], path, LOGS if "docker" not in path else NODE)
    if (
        is_written
        and kind not in ("File", "FileOrCreate", "Socket", "CharDevice", "BlockDevice")
        and not _RUNTIMES.search(path)
    ):
        if any(re.search(rf"{re.escape(folder)}/[^\s,:]*\.sock", text) for folder in own for text in texts):
            return HostPath(volume["name"], path, EXCHANGE)
        if _STATE.match(path):
            return HostPath(volume["name"], path, STATE)
    return HostPath(volume["name"], path, NODE)


def is_output_of_containers(path: str) -> bool:
    """Say whether the node keeps there what containers write to standard output."""
    return _OUTPUT_OF_CONTAINERS.match(path) is not None


def without_node_rights(context: Data, pod_context: Data) -> tuple[Data, list[str]]:
    """Return a container's security context with the pod's below it, without rights on the node; and what was left out."""
    merged = {**{key: pod_context[key] for key in _CONTAINER_KEYS if pod_context.get(key) is not None}, **context}
    left_out = []
    if merged.pop("privileged", False):
        left_out.append("privileged: true")
    capabilities = dict(merged.get("capabilities") or {})
    added = [str(name) for name in capabilities.get("add") or []]
    refused = [name for name in added if name.removeprefix("CAP_") not in BASELINE]
    if refused:
        left_out.append(f"the capabilities {', '.join(refused)}")
        capabilities["add"] = [name for name in added if name not in refused]
        merged["capabilities"] = {key: value for key, value in capabilities.items() if value}
    for key in ("seccompProfile", "appArmorProfile"):
        kind = (merged.get(key) or {}).get("type")
        if kind in ("Localhost", "Unconfined"):
            left_out.append(f"{key} of type {kind}")
            del merged[key]
    if merged.get("procMount") not in (None, "Default"):
        left_out.append(f"procMount: {merged.pop('procMount')}")
    return {key: value for key, value in merged.items() if value not in (None, {})}, left_out


def _normal(path: Any) -> str:
    return str(path or "").rstrip("/") or "/"

"""The volumes of a DaemonSet's containers, as an agent's: kept, shared with the application, or gone with the node."""

from hashlib import sha256
from typing import Any, NamedTuple

from sidecar_plugin.commands.from_daemonset.daemonset import DaemonSet, Data
from sidecar_plugin.commands.from_daemonset.host_access import (
    EXCHANGE,
    LOGS,
    NODE,
    STATE,
    HostPath,
    host_path_of,
    is_output_of_containers,
)

_MAX_NAME = 63  # letters of a volume's or container's name
APPLICATION_LOGS = "/var/log/app"


class Shared(NamedTuple):
    """A volume shared with the application: its name in the values and in the pod, and its path there; on or off by default."""

    key: str
    volume: str
    path: str
    enabled: bool


class Tale(NamedTuple):
    """What there is to tell of an agent: what was turned into something else, what is left out, what is to be done."""

    turned: list[str]
    left_out: list[str]
    to_do: list[str]


class Volumes:
    """The volumes that some containers of a DaemonSet mount; what becomes of them is added to the tale."""

    def __init__(self, daemon_set: DaemonSet, containers: list[Data], tale: Tale) -> None:
        self._set = daemon_set
        self._tale = tale
        self._volumes: dict[str, Data] = {one["name"]: one for one in daemon_set.pod.get("volumes") or []}
        self._hosts: dict[str, HostPath] = {}
        self._decide_host_paths(containers)
        self.kept = self._kept_volumes(containers)
        self.shared = self._shared()

    def mounts(self, container: Data) -> list[Data]:
        """Return the mounts of a container that are left, by the volumes' new names."""
        left = [one for one in container.get("volumeMounts") or [] if one["name"] in self._volumes and not self._is_lost(one)]
        return [
            {**{key: value for key, value in one.items() if key != "mountPropagation"}, "name": self._volume_name(one["name"])}
            for one in left
        ]

    def lost_paths(self, container: Data) -> list[str]:
        """Return where a container mounted what is of the node, without the root."""
        lost = [mount for mount in container.get("volumeMounts") or [] if self._is_lost(mount)]
        return [path for mount in lost if (path := mount["mountPath"].rstrip("/"))]

    def _is_lost(self, mount: Data) -> bool:
        return mount["name"] in self._hosts and self._hosts[mount["name"]].kind == NODE

    def _decide_host_paths(self, containers: list[Data]) -> None:
        mounts: dict[str, list[Data]] = {}
        texts = [text for one in containers for text in texts_of(one)]
        for container in containers:
            for mount in container.get("volumeMounts") or []:
                mounts.setdefault(mount["name"], []).append(mount)
        for name, own in mounts.items():
            volume = self._volumes.get(name)
            if volume is None or "hostPath" not in volume:
                continue
            host = host_path_of(volume, own, texts)
            self._hosts[name] = host
            where = ", ".join(dict.fromkeys(mount["mountPath"] for mount in own))
            what = f"hostPath {host.path} (mounted at {where})"
            if host.kind == LOGS:
                self._tale.turned.append(f"{what}: a volume shared with the application, see shared.{name} of the values")
                if is_output_of_containers(host.path) or host.path == "/var/log":
                    self._tale.to_do.append(
                        f"{host.path} has the standard output of a node's containers. In a sidecar it has what the application "
                        f"writes into the shared volume, at shared.{name}.mountPath of the values: fit the agent's patterns"
                    )
            elif host.kind == EXCHANGE:
                self._tale.turned.append(f"{what}: a volume shared with the application, for the agent's sockets")
            elif host.kind == STATE:
                self._tale.turned.append(f"{what}: an emptyDir of the agent's own, which is lost with the pod")
            else:
                self._tale.left_out.append(f"{what}: a sidecar has nothing of the node")

    def _shared(self) -> list[Shared]:
        found = []
        logs = 0
        for host in self._hosts.values():
            if host.kind == LOGS:
                path = host.path if logs else APPLICATION_LOGS
                found.append(Shared(host.volume, self._volume_name(host.volume), path, not logs))
                logs += 1
            elif host.kind == EXCHANGE:
                found.append(Shared(host.volume, self._volume_name(host.volume), host.path, True))
        return found

    def _volume_name(self, name: str) -> str:
        """Return a volume's name: with the DaemonSet's before it, so that agents of its containers go on sharing volumes."""
        return shortened(f"{self._set.name}-{name}")

    def _kept_volumes(self, containers: list[Data]) -> list[Data]:
        used = list(dict.fromkeys(mount["name"] for one in containers for mount in one.get("volumeMounts") or []))
        kept = []
        for name in used:
            volume = self._volumes.get(name)
            if volume is None:
                continue
            host = self._hosts.get(name)
            if host is not None:
                if host.kind != NODE:
                    kept.append({"name": self._volume_name(name), "emptyDir": {}})
                continue
            kept.append({**without_nulls(volume), "name": self._volume_name(name)})
            self._tell_of_volume(volume)
        return kept

    def _tell_of_volume(self, volume: Data) -> None:
        name = volume["name"]
        config_map = (volume.get("configMap") or {}).get("name")
        if config_map is not None and config_map not in self._set.config_maps:
            self._tale.to_do.append(
                f"the ConfigMap {config_map} is not in the input: it must be in the namespaces of the applications"
            )
        secret = (volume.get("secret") or {}).get("secretName")
        if secret is not None:
            self._tale.to_do.append(f"the Secret {secret} is not copied: it must be in the namespaces of the applications")
        if "persistentVolumeClaim" in volume:
            self._tale.to_do.append(f"the volume {name} is a persistentVolumeClaim, which every pod would share")
        if "projected" in volume:
            self._tale.to_do.append(f"what the projected volume {name} refers to must be in the namespaces of the applications")


def shortened(name: str) -> str:
    """Return a name that is not too long for a volume, a container or an annotation, and different for different names."""
    name = name.replace(".", "-")
    if len(name) <= _MAX_NAME:
        return name
    return f"{name[: _MAX_NAME - 9].rstrip('-')}-{sha256(name.encode()).hexdigest()[:8]}"


def texts_of(container: Data) -> list[str]:
    """Return the words that a container is started with: its command, arguments and variables."""
    texts = [*(container.get("command") or []), *(container.get("args") or [])]
    return texts + [entry.get("value") or "" for entry in container.get("env") or []]


def without_nulls(data: Any) -> Any:
    """Return data without the keys that are null."""
    if isinstance(data, dict):
        return {key: without_nulls(value) for key, value in data.items() if value is not None}
    return [without_nulls(item) for item in data] if isinstance(data, list) else data

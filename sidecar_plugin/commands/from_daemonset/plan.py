"""An agent out of one container of a DaemonSet: what is taken over, what is turned into something else, what is left out."""

import re
from typing import NamedTuple

from sidecar_plugin.commands.from_daemonset.daemonset import DaemonSet, Data
from sidecar_plugin.commands.from_daemonset.environment import Environment
from sidecar_plugin.commands.from_daemonset.host_access import POD_FIELDS, without_node_rights
from sidecar_plugin.commands.from_daemonset.volumes import Shared, Tale, Volumes, shortened, without_nulls
from sidecar_plugin.errors import SidecarPluginError, UsageError, did_you_mean

_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "priorityClassName", "runtimeClassName")
_OF_THE_POD = ("dnsPolicy", "dnsConfig", "hostAliases", "terminationGracePeriodSeconds")
_NOT_OF_CONTAINERS = ("fsGroup", "fsGroupChangePolicy", "supplementalGroups", "sysctls")
_DEFAULTS = {"dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30}


_FILE_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")  # as Kubernetes takes keys of ConfigMaps; no separator of any system
"""Every name of the input that becomes the name of a file or folder, or stands in the template as it is."""


class DaemonSetError(SidecarPluginError):
    """A DaemonSet that no agent can be made of."""


class ConfigFile(NamedTuple):
    """A key of a ConfigMap that is carried along."""

    config_map: str
    key: str
    text: str


class AgentPlan(NamedTuple):
    """All that the agent's files are made of: the container as it is to be, and as it was in the DaemonSet. The lists at the
    end are for its README and the report."""

    name: str
    daemon_set: DaemonSet
    container: Data
    daemon_set_container: Data
    env: dict[str, str]
    init_containers: list[Data]
    volumes: list[Data]
    shared: list[Shared]
    files: list[ConfigFile]
    security_context: Data
    image_pull_secrets: list[Data]
    turned: list[str]
    left_out: list[str]
    to_do: list[str]


def plan_agent(daemon_set: DaemonSet, container: str | None, name: str | None) -> AgentPlan:
    """Return the agent for a container of the DaemonSet; its name is the container's unless another is given.

    Raises UsageError for a container that there is not, or none chosen among several, and DaemonSetError for Windows pods.
    """
    plan = _Planner(daemon_set, _chosen(daemon_set, container), name).plan()
    for what, given in (
        ("the DaemonSet's name", daemon_set.name),
        ("the agent's name", plan.name),
        *(("a ConfigMap's name", one.config_map) for one in plan.files),
        *((f"a key of the ConfigMap {one.config_map}", one.key) for one in plan.files),
    ):
        if not _FILE_NAME.fullmatch(given) or set(given) <= {"."}:
            message = f'{what}, "{given[:80]}", cannot be a name: letters, digits, ".", "_" and "-" only'
            raise DaemonSetError(message, daemon_set.place)
    for one in plan.files:
        if "\0" in one.text:
            message = f'the key "{one.key}" of the ConfigMap {one.config_map} holds a NUL character, which no template can hold'
            raise DaemonSetError(f"{message}; put it under binaryData", daemon_set.place)
    return plan


def _chosen(daemon_set: DaemonSet, name: str | None) -> Data:
    containers: list[Data] = daemon_set.pod["containers"]
    names = [one["name"] for one in containers]
    if name is None:
        if len(containers) > 1:
            message = f"the DaemonSet {daemon_set.name} has several containers: {', '.join(names)}; an agent is one container"
            raise UsageError(f"{message}, so choose one with --container NAME, and run once for each that you need")
        return containers[0]
    if name not in names:
        hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise UsageError(f'the DaemonSet {daemon_set.name} has no container "{name}"{hint}')
    return containers[names.index(name)]


class _Planner:
    def __init__(self, daemon_set: DaemonSet, container: Data, name: str | None) -> None:
        self._set = daemon_set
        self._pod = daemon_set.pod
        self._container = container
        self._name = name or container["name"]
        self._tale = Tale([], [], [])
        self._environment = Environment(daemon_set, self._tale.to_do)

    def plan(self) -> AgentPlan:
        if (self._pod.get("os") or {}).get("name") == "windows" or "windows" in str(self._pod.get("nodeSelector") or {}):
            raise DaemonSetError(
                f"the DaemonSet {self._set.name} is for Windows nodes; no agent is made of it", self._set.place
            )
        inits = [one for one in self._pod.get("initContainers") or [] if self._is_needed(one)]
        self._mounted = Volumes(self._set, [self._container, *inits], self._tale)
        context, refused = without_node_rights(self._container.get("securityContext") or {}, self._pod_context())
        self._tale.left_out.extend([f"{words} of the container" for words in refused])
        env = self._environment.values(self._container)
        container = self._cleaned(self._container)
        init_containers = [self._init(one) for one in inits]
        self._tell_of_the_pod()
        files = self._files(self._mounted.kept)
        self._tell_of_lost_paths(files)
        secrets = [one for one in self._pod.get("imagePullSecrets") or [] if one.get("name")]
        if secrets:
            names = ", ".join(one["name"] for one in secrets)
            self._tale.to_do.append(f"the pull secrets {names} must be in the namespaces of the applications")
        return AgentPlan(
            self._name,
            self._set,
            container,
            self._container,
            env,
            init_containers,
            self._mounted.kept,
            self._mounted.shared,
            files,
            context,
            secrets,
            list(dict.fromkeys(self._tale.turned)),
            list(dict.fromkeys(self._tale.left_out)),
            list(dict.fromkeys(self._tale.to_do)),
        )

    # --- the pod

    def _pod_context(self) -> Data:
        context: Data = self._pod.get("securityContext") or {}
        return context

    def _tell_of_the_pod(self) -> None:
        pod = self._pod
        self._tale.left_out.extend([f"{key}: {instead}" for key, instead in POD_FIELDS.items() if pod.get(key)])
        there = [key for key in _SCHEDULING if pod.get(key)]
        if there:
            self._tale.left_out.append(f"{', '.join(there)}: the application decides where its pod runs")
        there = [key for key in _OF_THE_POD if pod.get(key) not in (None, {}, [], _DEFAULTS.get(key))]
        if there:
            self._tale.left_out.append(f"{', '.join(there)}: these are the application's")
        there = [key for key in _NOT_OF_CONTAINERS if self._pod_context().get(key) not in (None, [], {})]
        if there:
            self._tale.left_out.append(f"{', '.join(there)} of the pod's securityContext: a container has no such thing")
        others = [one["name"] for one in pod["containers"] if one is not self._container]
        if others:
            self._tale.left_out.append(f"the containers {', '.join(others)}: each is an agent of its own, with --container")
        account = pod.get("serviceAccountName") or pod.get("serviceAccount")
        if self._set.rules:
            rules = "; ".join(self._set.rules)
            self._tale.to_do.append(
                f"the ServiceAccount {account} may {rules}. A sidecar has the application's ServiceAccount: give that these "
                "rights, or turn off what needs them"
            )
        elif account and pod.get("automountServiceAccountToken") is not False:
            self._tale.to_do.append(
                f"the DaemonSet has the ServiceAccount {account}, of whose rights nothing is in the input. A sidecar has the "
                "application's ServiceAccount"
            )

    # --- init containers

    def _is_needed(self, init: Data) -> bool:
        """Say whether an init container prepares something for the container: they share a volume that a sidecar keeps."""
        own = {mount["name"] for mount in self._container.get("volumeMounts") or []}
        common = {mount["name"] for mount in init.get("volumeMounts") or []} & own
        if init.get("restartPolicy") == "Always":
            self._tale.left_out.append(f"the native sidecar {init['name']} of the DaemonSet itself")
            return False
        if common - self._node_volumes(init):
            return True
        self._tale.left_out.append(f"the init container {init['name']}: it prepares nothing that the container uses")
        return False

    def _node_volumes(self, init: Data) -> set[str]:
        """Return the host paths of the container that a sidecar cannot have, as they are with that init container."""
        mounts = Volumes(self._set, [self._container, init], Tale([], [], []))
        both = [*(self._container.get("volumeMounts") or []), *(init.get("volumeMounts") or [])]
        kept = {one["name"] for one in both if mounts.mounts({"volumeMounts": [one]})}
        return {one["name"] for one in both} - kept

    def _files(self, volumes: list[Data]) -> list[ConfigFile]:
        names = [(volume.get("configMap") or {}).get("name") for volume in volumes]
        files = []
        for name in dict.fromkeys(name for name in names if name in self._set.config_maps):
            config_map = self._set.config_maps[str(name)]
            if config_map.get("binaryData"):
                keys = ", ".join(map(str, config_map["binaryData"]))
                message = f"the ConfigMap {name} has binaryData ({keys}), which annotations cannot hold"
                self._tale.to_do.append(f"{message}: it must be in the namespaces of the applications")
                continue
            if not config_map.get("data"):
                self._tale.to_do.append(f"the ConfigMap {name} has no text: it must be in the namespaces of the applications")
                continue
            self._tale.turned.append(f"ConfigMap {name}: carried along, see configuration of the values")
            files += [ConfigFile(str(name), str(key), str(text)) for key, text in config_map["data"].items()]
        return files

    # --- containers

    def _cleaned(self, container: Data) -> Data:
        """Return a container without what comes from values, with its mounts and ports as a sidecar has them."""
        own = ("image", "imagePullPolicy", "env", "securityContext", "resources", "restartPolicy", "envFrom", "volumeDevices")
        kept = {key: value for key, value in without_nulls(container).items() if key not in own}
        if container.get("volumeDevices"):
            self._tale.left_out.append("volumeDevices")
        ports = []
        for port in kept.pop("ports", []):
            if "hostPort" in port:
                self._tale.left_out.append(
                    f"hostPort {port['hostPort']}: applications reach the agent at 127.0.0.1:{port.get('containerPort')}"
                )
            ports.append({key: value for key, value in port.items() if key not in ("hostPort", "hostIP")})
        if ports:
            kept["ports"] = ports
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            for kind in ("httpGet", "tcpSocket"):
                asked = (kept.get(probe) or {}).get(kind) or {}
                if host := asked.get("host"):
                    self._tale.left_out.append(f"the host {host} of the {probe}: it asks the pod's address")
                    kept[probe] = {**kept[probe], kind: {key: value for key, value in asked.items() if key != "host"}}
        kept.pop("volumeMounts", None)
        kept["volumeMounts"] = self._mounted.mounts(container)
        if sources := self._environment.sources(container):
            kept["envFrom"] = sources
        kept["env"] = self._environment.references(container)
        return kept

    def _init(self, container: Data) -> Data:
        context, refused = without_node_rights(container.get("securityContext") or {}, self._pod_context())
        self._tale.left_out.extend([f"{words} of the init container {container['name']}" for words in refused])
        kept = self._cleaned(container)
        literal = [{"name": name, "value": value} for name, value in self._environment.values(container).items()]
        kept["env"] = [*kept["env"], *literal]
        pull = {"imagePullPolicy": container["imagePullPolicy"]} if container.get("imagePullPolicy") else {}
        resources = {"resources": container["resources"]} if container.get("resources") else {}
        name = shortened(f"{self._name}-{container['name']}")
        made = {"name": name, "image": container["image"], **pull, **kept, **resources, "securityContext": context}
        return {key: value for key, value in {**made, "name": name}.items() if value not in ([], {})}

    # --- paths that are no more

    def _tell_of_lost_paths(self, files: list[ConfigFile]) -> None:
        lost = self._mounted.lost_paths(self._container)
        places = [(f"args[{index}]", text) for index, text in enumerate(self._container.get("args") or [])]
        places += [(f"command[{index}]", text) for index, text in enumerate(self._container.get("command") or [])]
        places += [(f"env.{name}", text) for name, text in self._environment.values(self._container).items()]
        for file in files:
            places += [(f"{file.key}:{number}", line) for number, line in enumerate(file.text.splitlines(), 1)]
        for where, text in places:
            for path in lost:
                if re.search(rf"{re.escape(path)}(?![\w.-])", text):
                    self._tale.to_do.append(f"{where} names {path}, which is of the node: {_short(text)}")
                    break


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:77]}…"

"""Rendering and declaring agents by one set of settings: for injection into manifests, and for policies of the cluster."""

import re
from collections.abc import Callable
from typing import Any

from sidecar_plugin.agents.agent import AgentLibrary
from sidecar_plugin.agents.container_patch import patch_container
from sidecar_plugin.agents.images import ImageSource
from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.agents.reads import Read
from sidecar_plugin.errors import SettingsError, TemplateError, VersionError
from sidecar_plugin.injection.selection import PodAgents
from sidecar_plugin.kubernetes import declarations, platforms
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion
from sidecar_plugin.kubernetes.declarations.protocol import Declaration, Target
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, Skipped, WorkloadKinds
from sidecar_plugin.settings.layers import VERSION_SOURCES
from sidecar_plugin.settings.settings import AgentSettings, Settings
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.source import Source

SAMPLE_WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - {name: app, image: app, ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}]}
"""
"""A Deployment with the ports http (8080) and metrics (9090): what agents are rendered for where there is no workload."""


def sample_pod(name: str, text: str) -> PodTemplate:
    """Return the pod template of a manifest that the program brings, to render agents where there is no workload."""
    document = Document(Source(name, text), 0, len(text))
    return next(pod for pod in WorkloadKinds(()).find(document, document.parse().root) if not isinstance(pod, Skipped))


class Rendering:
    """Chooses the declaration, and makes containers of what agents render. An agent is compiled once."""

    __slots__ = ("_containers", "_images", "_in_registry", "_settings", "agents", "platform")

    def __init__(self, settings: Settings, library: AgentLibrary) -> None:
        """Raise SettingsError for an agent that does not exist and for settings that contradict each other."""
        self._settings = settings
        self._containers: dict[tuple[str, str], tuple[Parts, dict[str, Any], dict[str, Any]]] = {}
        self._in_registry: dict[str, tuple[Parts, Parts]] = {}
        self._images = ImageSource(settings.image_registry, settings.image_digests)
        self.agents = PodAgents(settings, library)
        self.platform = platforms.named(settings.platform)

    def version(self, needed_by: str) -> ClusterVersion:
        """Return the cluster's version. Raises VersionError, which names what needs it, if no source gives one."""
        if self._settings.cluster_version is None:
            raise VersionError(
                f"{needed_by} needs the cluster's version, which decides how sidecars are declared, and no source gives it; "
                f"set {VERSION_SOURCES}"
            )
        return self._settings.cluster_version

    def declaration(self, workload: str, runs_to_completion: bool, needed_by: str) -> tuple[Declaration, str | None]:
        """Return the declaration for a workload of that kind, and a warning about it or None.

        Raises VersionError without a version, and DeclarationError for a declaration with which the pod would not work.
        """
        version = self.version(needed_by)
        asked = self._settings.declaration
        declaration = declarations.choose(asked, self._settings.platform, version)
        target = Target(version, self._settings.platform, workload, runs_to_completion, asked != "auto")
        return declaration, declarations.check(declaration, target)

    def context(self, declaration: Declaration) -> dict[str, Any]:
        """Return what templates see beside values and workload.

        The default platform decides the declaration only: what no other platform understands, such as an emptyDir of medium
        Stdout, is for templates to write where the user named the platform. On any other cluster the pod would hang.
        """
        platform = self._settings.platform if self._settings.names_platform else "kubernetes"
        cluster = {"version": str(self._settings.cluster_version), "platform": platform}
        return {"cluster": cluster, "declaration": declaration.name}

    def parts(
        self,
        pod: PodTemplate,
        agent: AgentSettings,
        context: dict[str, Any],
        workload: Callable[[], dict[str, Any]] | None = None,
        seen: set[Read] | None = None,
    ) -> Parts:
        """Return what an agent adds to a pod, see `PodAgents.parts`, by the settings imageRegistry, imageDigests and
        imagePullSecrets; the same object for the same rendering."""
        parts = self.agents.parts(pod, agent, context, workload, seen)
        secrets = self._settings.image_pull_secrets
        if not self._images.changes and not secrets:
            return parts
        known, changed = self._in_registry.get(agent.name, (None, parts))
        if known is not parts:
            changed = self._images.parts(parts, secrets)
            self._in_registry[agent.name] = parts, changed
        return changed

    def container(self, agent: AgentSettings, parts: Parts, declaration: Declaration, pod: PodTemplate) -> dict[str, Any]:
        """Return the agent's container for a pod: patched by the settings, declared, and with the variables that name the
        workload. Without these it is the same object for the same parts.

        Raises SettingsError, at the place of the setting, for a patch that does not fit, and TemplateError for a container that
        declares itself.
        """
        try:
            known, patched, declared = self._containers.get((agent.name, declaration.name), (None, {}, {}))
            if known is not parts:
                patched = self._images.container(patch_container(parts.container, agent.container))
                declared = declarations.declare(declaration, patched)
                self._containers[agent.name, declaration.name] = parts, patched, declared
            if not parts.workload_env:
                return declared
            return declarations.declare(declaration, _naming_workload(patched, parts.workload_env, pod))
        except SettingsError as error:
            steps = [int(step) if re.fullmatch("[0-9]{1,9}", step) else step for step in error.field.split(".") if step]
            raise self._settings.error(error.message, ["agents", agent.name, "container", *steps]) from None
        except TemplateError as error:
            raise TemplateError(f"agent {agent.name}: {error.message}") from None

    def unpinned(self, agent: AgentSettings, containers: list[dict[str, Any]]) -> list[str]:
        """Return what to say of an agent's images that have no digest where the settings pin images by imageDigests."""
        names = [each["image"] for each in containers if "@" not in each["image"]] if self._settings.image_digests else []
        remedy = "`sidecar-plugin images --pin` prints it"
        return [f"imageDigests has no digest for {name}, an image of the agent {agent.name}; {remedy}" for name in names]


def _naming_workload(container: dict[str, Any], variables: dict[str, str], pod: PodTemplate) -> dict[str, Any]:
    """Return the container with the variables of `workloadEnv` before its own, which win.

    A pod's own name is read in the pod: one that is injected in the cluster by a policy has none before.
    """
    own = container.get("env") or []
    taken = {entry["name"] for entry in own}
    facts: dict[str, dict[str, Any]] = {"kind": {"value": pod.kind}, "name": {"value": pod.name}}
    if pod.kind == "Pod":
        facts["name"] = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    added = [{"name": name, **facts[fact]} for name, fact in variables.items() if name not in taken]
    return {**container, "env": [*added, *own]}

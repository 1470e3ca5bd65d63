"""An agent as a node would start it: rendered by the real command, with a folder for each of its mounts.

What the pod says is obeyed: configuration files come from the pod's annotations (downwardAPI) or the ConfigMap, the container's
command, arguments and environment are used as they stand. Only mount paths are replaced, by folders below a temporary one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.command import run

FIELDS = {"metadata.name": "shop-7d4f", "metadata.namespace": "prod", "spec.nodeName": "node-1", "status.podIP": "10.0.0.9"}
Secrets = Mapping[str, Mapping[str, bytes]]
SECRETS: Secrets = {"ca": {"ca.crt": b""}, "token": {"token": b"s3cr3t"}}
TOKEN = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "token"}}}


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent's container, laid out below a folder."""

    container: Mapping[str, Any]
    volumes: Sequence[Mapping[str, Any]]
    folder: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    application_environment: Mapping[str, str]

    def path(self, path: str) -> Path:
        """Return where a path of the container really is."""
        return self.folder / path.lstrip("/")

    @property
    def version(self) -> str:
        """The version that the image's tag names."""
        return self.container["image"].rpartition(":")[2].removeprefix("v")


def manifest(ports: Mapping[str, int], annotations: Mapping[str, str]) -> dict[str, Any]:
    """Return a Deployment `shop` whose application has these ports, by name."""
    container = {
        "name": "app",
        "image": "shop:1",
        "ports": [{"name": name, "containerPort": port} for name, port in ports.items()],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "prod"},
        "spec": {
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop"}, "annotations": dict(annotations)},
                "spec": {"containers": [container]},
            },
        },
    }


def lay_out(
    folder: Path,
    name: str,
    values: Mapping[str, Any],
    program: Path,
    *,
    platform: str = "kubernetes",
    declaration: str = "native",
    cluster_version: str = "1.30",
    ports: Mapping[str, int] | None = None,
    annotations: Mapping[str, str] | None = None,
    secrets: Secrets | None = None,
) -> Agent:
    """Render a Deployment with an agent of these values; lay the agent out in a folder, with a program in place of its own."""
    spec = {
        "clusterVersion": cluster_version,
        "platform": platform,
        "declaration": declaration,
        "agents": {name: {"enabled": True, **values}},
    }
    settings = {
        "apiVersion": "sidecar-plugin.dev/v1alpha1",
        "kind": "SidecarInjection",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    stream = yaml.safe_dump_all([settings, manifest(ports or {"http": 8080}, annotations or {})])
    done = run("--report=none", stdin=stream)
    assert done.status == 0, done.stderr
    documents = {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}

    template = documents["Deployment"]["spec"]["template"]
    containers = template["spec"]["initContainers" if declaration == "native" else "containers"]
    (container,) = (one for one in containers if one["name"] == name)
    assert (container.get("restartPolicy") == "Always") is (declaration == "native")
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    mount_path = re.compile("(?:" + "|".join(sorted(map(re.escape, mounts), key=len, reverse=True)) + r")(?![\w.-])")

    def mapped(text: str) -> str:
        return mount_path.sub(lambda match: f"{folder}{match[0]}", text)

    for path, volume in mounts.items():
        (folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for file, content in files_of(volume, template, documents.get("ConfigMap"), secrets or {}).items():
            written = mapped(content).encode() if isinstance(content, str) else content
            (folder / path.lstrip("/") / file).write_bytes(written)
    return Agent(
        container,
        template["spec"]["volumes"],
        folder,
        (str(program), *map(mapped, [*container["command"][1:], *container["args"]])),
        {variable["name"]: value_of(variable, secrets or {}) for variable in container.get("env", [])},
        {variable["name"]: variable["value"] for variable in template["spec"]["containers"][0].get("env", [])},
    )


def files_of(
    volume: Mapping[str, Any], template: Mapping[str, Any], config_map: Mapping[str, Any] | None, secrets: Secrets
) -> Mapping[str, str | bytes]:
    """Return the files that a volume of the pod starts with."""
    if "secret" in volume:
        return secrets[volume["secret"]["secretName"]]
    if "configMap" in volume:
        assert config_map is not None
        assert config_map["metadata"]["name"] == volume["configMap"]["name"]
        return config_map["data"]
    if "downwardAPI" in volume:
        annotations = {f"metadata.annotations['{key}']": text for key, text in template["metadata"]["annotations"].items()}
        return {item["path"]: annotations[item["fieldRef"]["fieldPath"]] for item in volume["downwardAPI"]["items"]}
    assert volume.keys() & {"emptyDir", "csi", "flexVolume"}
    return {}


def value_of(variable: Mapping[str, Any], secrets: Secrets) -> str:
    """Return the value of an environment variable of the container."""
    if "value" in variable:
        return variable["value"]
    source = variable["valueFrom"]
    if "fieldRef" in source:
        return FIELDS[source["fieldRef"]["fieldPath"]]
    return secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]].decode()

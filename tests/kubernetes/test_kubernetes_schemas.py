"""What is injected is valid by Kubernetes' own schemas, of every version from 1.27 to 1.37."""

import copy
from typing import Any

import kubernetes_validate
import pytest
import yaml

from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.injection.injector import Injector
from sidecar_plugin.injection.stream import read_stream
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.layers import Layer
from sidecar_plugin.settings.settings import merge_layers
from sidecar_plugin.yamledit.source import Source

POD = {"containers": [{"name": "web", "image": "x", "ports": [{"containerPort": 8080, "name": "metrics"}]}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": POD}
SELECTOR = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
WORKLOADS: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": POD},
    {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "web"}, "template": TEMPLATE},
    {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "web"}, "spec": {"template": TEMPLATE}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": SELECTOR},
    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}, "spec": SELECTOR},
    {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "web"}, "spec": SELECTOR},
    {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": {"serviceName": "web", **SELECTOR}},
    {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web"}, "spec": {"template": TEMPLATE}},
    {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "web"},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}},
    },
]
VERSIONS = [f"1.{minor}" for minor in range(27, 38)]


def injected(version: str, workload: dict[str, Any], configuration: str = "configMap") -> list[dict[str, Any]]:
    switches = {name: {"enabled": True, "configuration": configuration} for name in ("logging", "monitoring", "proxy")}
    layers = [Layer("test", {"clusterVersion": version, "agents": switches})]
    stream = read_stream(Source("in.yaml", yaml.safe_dump(copy.deepcopy(workload))))
    text = "".join(Injector(merge_layers(layers), AgentFolders(()), Results()).inject(stream))
    return list(yaml.safe_load_all(text))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload["kind"])
def test_every_kind_is_valid_in_every_version(version: str, workload: dict[str, Any]) -> None:
    documents = injected(version, workload)
    assert [document["kind"] for document in documents] == [workload["kind"], "ConfigMap", "ConfigMap", "ConfigMap"]
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_configurations_inside_the_pod_are_valid_in_every_version(version: str) -> None:
    (document,) = injected(version, WORKLOADS[3], "inline")
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_native_sidecars_are_written_only_where_the_field_is_known(version: str) -> None:
    spec = injected(version, WORKLOADS[0])[0]["spec"]
    knows_the_field = VERSIONS.index(version) >= VERSIONS.index("1.29")
    assert ("initContainers" in spec) is knows_the_field
    assert len(spec["containers"]) == (1 if knows_the_field else 4)

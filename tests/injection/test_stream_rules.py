"""LimitRange, ResourceQuota and HorizontalPodAutoscaler of the stream: each rule with an object that the agent breaks and one
beside it that it does not.
"""

import json

import pytest

from tests.support.command import run

AGENT = {"name": "a", "image": "x", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m", "memory": "128Mi"}}}
OWN = {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}


def deployment(name: str = "web", namespace: str = "", replicas: int = 2, kind: str = "Deployment") -> dict[str, object]:
    container = {"name": "app", "image": "app:1", "resources": OWN}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def limit_range(type_: str = "Container", namespace: str = "", **limits: dict[str, str]) -> dict[str, object]:
    metadata = {"name": "limits", **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [{"type": type_, **limits}]}}


def quota(hard: dict[str, str], **spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": hard, **spec}}


def autoscaler(
    resource: str = "cpu", target: str = "Utilization", kind: str = "Deployment", **metric: object
) -> dict[str, object]:
    value = {"type": target, **({"averageUtilization": 60} if target == "Utilization" else {"averageValue": "1"})}
    own = metric or {"type": "Resource", "resource": {"name": resource, "target": value}}
    reference = {"apiVersion": "apps/v1", "kind": kind, "name": "web"}
    spec = {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 3, "metrics": [own]}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": spec}


def old_autoscaler() -> dict[str, object]:
    made = autoscaler()
    spec = {key: value for key, value in made["spec"].items() if key != "metrics"}  # type: ignore[attr-defined]
    return {**made, "apiVersion": "autoscaling/v1", "spec": {**spec, "targetCPUUtilizationPercentage": 60}}


OF_A_CONTAINER = {"container": "app", "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
BREAKS = [
    pytest.param([limit_range(max={"cpu": "150m"})], "LimitRange limits", "0.2 cores", id="more than a container may have"),
    pytest.param([limit_range(min={"cpu": "200m"})], "LimitRange limits", "0.1 cores", id="less than a container must have"),
    pytest.param([limit_range(maxLimitRequestRatio={"cpu": "1.5"})], "LimitRange limits", "is 2 times", id="limit by request"),
    pytest.param([limit_range("Pod", max={"cpu": "1100m"})], "LimitRange limits", "1.2 cores", id="more than a pod may have"),
    pytest.param([quota({"requests.cpu": "1100m"})], "ResourceQuota team", "1.2 cores", id="the requests of all together"),
    pytest.param([quota({"cpu": "1100m"})], "ResourceQuota team", "1.2 cores", id="the short name of requests"),
    pytest.param([quota({"limits.memory": "1200Mi"})], "ResourceQuota team", "1.25 GiB", id="the limits of all together"),
    pytest.param([autoscaler()], "HorizontalPodAutoscaler web", "ContainerResource, container app", id="an autoscaler"),
    pytest.param([old_autoscaler()], "HorizontalPodAutoscaler web", "ContainerResource", id="an autoscaler of version 1"),
]
GOES = [
    pytest.param([limit_range(max={"cpu": "200m"}, min={"cpu": "100m"})], id="just within the limits of a container"),
    pytest.param([limit_range("Pod", max={"cpu": "1200m"})], id="just within those of a pod"),
    pytest.param([limit_range("Pod", max={"cpu": "500m"})], id="a pod that was too large without agents"),
    pytest.param([limit_range("PersistentVolumeClaim", max={"storage": "1Gi"})], id="limits of claims"),
    pytest.param([limit_range(namespace="other", max={"cpu": "1m"})], id="limits of another namespace"),
    pytest.param([limit_range(default={"cpu": "50m"})], id="defaults for an agent that has its own"),
    pytest.param([quota({"requests.cpu": "1200m", "pods": "2"})], id="just within a quota"),
    pytest.param([quota({"requests.cpu": "100m"})], id="a quota that was exceeded without agents"),
    pytest.param([quota({"requests.cpu": "1100m"}, scopes=["BestEffort"])], id="a quota for some pods only"),
    pytest.param([autoscaler(target="AverageValue")], id="an autoscaler by a value"),
    pytest.param([autoscaler(kind="StatefulSet")], id="an autoscaler of another kind"),
    pytest.param([autoscaler(type="ContainerResource", containerResource=OF_A_CONTAINER)], id="an autoscaler of one container"),
    pytest.param([{**limit_range(), "spec": {"limits": [{"type": "Container", "max": {"cpu": "much"}}]}}], id="no quantity"),
    pytest.param([{**quota({}), "spec": []}], id="a quota that is none"),
    pytest.param([{**autoscaler(), "spec": {"scaleTargetRef": "web", "metrics": 1}}], id="an autoscaler that is none"),
]


def warnings(objects: list[dict[str, object]], agent: dict[str, object] = AGENT, as_list: bool = False) -> list[str]:
    template = json.dumps({"container": agent})
    spec = {"clusterVersion": "1.34", "platform": "kubernetes", "agents": {"a": {"enabled": True, "template": template}}}
    head = {"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "metadata": {"name": "x"}}
    stream = [{**head, "spec": spec}, *objects]
    if as_list:
        stream = [stream[0], {"apiVersion": "v1", "kind": "List", "items": objects}]
    done = run("--report", "json", stdin="\n---\n".join(map(json.dumps, stream)))
    assert done.status == 0, done.stderr
    return [warning["message"] for warning in json.loads(done.stderr)["warnings"]]


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize(("objects", "named", "shown"), BREAKS)
def test_what_the_stream_forbids_is_a_warning(objects: list[dict[str, object]], named: str, shown: str, as_list: bool) -> None:
    for stream in ([*objects, deployment()], [deployment(), *objects]):
        [warning] = warnings(stream, as_list=as_list)
        assert named in warning
        assert shown in warning


@pytest.mark.parametrize("objects", GOES)
def test_what_goes_is_no_warning(objects: list[dict[str, object]]) -> None:
    assert warnings([*objects, deployment()]) == []


def test_a_quota_counts_all_workloads_and_their_pods() -> None:
    two = [deployment("one", replicas=3), deployment("two", replicas=1, kind="ReplicaSet")]
    assert warnings([quota({"requests.cpu": "2400m"}), *two]) == []
    assert "2.4 cores" in warnings([quota({"requests.cpu": "2399m"}), *two])[0]


def test_an_agent_without_resources_is_named() -> None:
    bare = {"name": "a", "image": "x"}
    [refused] = warnings([quota({"limits.cpu": "9"}), deployment()], bare)
    assert "limits.cpu" in refused
    assert warnings([quota({"limits.cpu": "9"}), limit_range(default={"cpu": "1"}), deployment()], bare) == []
    unscaled, shared = warnings([autoscaler(), deployment()], bare)
    assert "requests none" in unscaled
    assert "ContainerResource" in shared
    half = {**bare, "resources": {"requests": {"cpu": "2"}}}
    assert "below what it requests" in warnings([limit_range(default={"cpu": "1"}), deployment()], half)[0]


def test_of_several_limits_the_strictest_is_reported_once() -> None:
    ranges = [limit_range(max={"cpu": most}) for most in ("170m", "150m", "160m", "1")]
    for number, one in enumerate(ranges):
        one["metadata"] = {"name": f"limits-{number}"}
    found = warnings([*ranges, deployment()])
    assert len(found) == 1
    assert "LimitRange limits-1 allows 0.15 cores" in found[0]

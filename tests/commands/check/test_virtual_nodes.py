"""Whose virtual nodes a pod is for: the platform says it, or the pod itself. Each platform has its own file."""

import pytest

from sidecar_plugin.kubernetes import platforms
from tests.support.command import run

DAEMONSET = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: logs}
spec:
  selector: {matchLabels: {app: logs}}
  template:
    metadata: {labels: {app: logs}}
    spec:
      containers:
      - {name: logs, image: "logs:1", resources: {limits: {cpu: 1, memory: 1Gi}}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{{labels}}}}}
spec:
  hostPID: true
  nodeSelector: {{{selector}}}
  tolerations: [{toleration}]
  containers:
  - {{name: web, image: "web:1"}}
"""
RUN_DAEMONSETS = {"kubernetes", "autopilot"}
SAID_BY_THE_POD = [
    ("alibabacloud.com/acs: 'true'", "", "", "Alibaba Cloud Container Compute Service"),
    ("alibabacloud.com/acs: 'false'", "", "", ""),
    ("alibabacloud.com/compute-class: general-purpose", "", "", "Alibaba Cloud Container Compute Service"),
    ("alibabacloud.com/eci: 'true'", "", "", "Alibaba Cloud Elastic Container Instance"),
    ("eks.amazonaws.com/fargate-profile: web", "", "", "Amazon EKS on AWS Fargate"),
    ("", "alibabacloud.com/virtual-node: 'true'", "", "Alibaba Cloud Elastic Container Instance"),
    ("", "type: virtual-kubelet", "", "a virtual node"),
    ("", "type: large", "", ""),
    ("", "", "{key: azure.com/aci, effect: NoSchedule}", "Azure Container Instances"),
    ("", "", "{key: virtual-kubelet.io/provider, operator: Exists}", "a virtual node"),
    ("", "", "{key: example.com/other, operator: Exists}", ""),
    ("", "", "", ""),
]


@pytest.mark.parametrize("platform", platforms.NAMES)
def test_a_daemonset_is_reported_where_the_platform_runs_none(platform: str) -> None:
    done = run("check", "--platform", platform, "--cluster-version", "1.30", "-", stdin=DAEMONSET.encode())
    assert ("daemonset-on-virtual-nodes" in done.stdout.decode()) == (platform not in RUN_DAEMONSETS)
    assert platforms.named(platform).runs_daemonsets == (platform in RUN_DAEMONSETS)


@pytest.mark.parametrize(("labels", "selector", "toleration", "nodes"), SAID_BY_THE_POD)
def test_a_pod_says_whose_virtual_nodes_it_is_for(labels: str, selector: str, toleration: str, nodes: str) -> None:
    pod = POD.format(labels=labels, selector=selector, toleration=toleration)
    found = run("check", "-", stdin=pod.encode()).stdout.decode()
    assert ("host-access-on-virtual-nodes" in found) == bool(nodes)
    assert f"which {nodes}" in found or not nodes


@pytest.mark.parametrize("platform", platforms.NAMES)
def test_the_platform_that_is_named_decides(platform: str) -> None:
    pod = POD.format(labels="alibabacloud.com/acs: 'true'", selector="", toleration="")
    found = run("check", "--platform", platform, "-", stdin=pod.encode()).stdout.decode()
    assert ("host-access-on-virtual-nodes" in found) == (platform not in RUN_DAEMONSETS)

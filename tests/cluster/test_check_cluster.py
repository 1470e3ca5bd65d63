"""`sidecar-plugin check --cluster` with the user's own kubectl and rights, on a real API server."""

import json
from typing import Any

import yaml

from tests.cluster.conftest import Cluster
from tests.support.real_tools import Shell

MARKER = json.dumps(
    {
        "version": 1,
        "agents": {"agent": {"declaration": "native", "container": "agent"}},
        "added": {"spec.initContainers": ["agent"]},
        "created": ["spec.initContainers"],
    }
)


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "app:1"}], **spec}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def node(name: str, version: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"nodeInfo": {"kubeletVersion": version}}}


def webhook(name: str, space: str) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "pods.example.com",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Ignore",
                "clientConfig": {"url": "https://127.0.0.1:1/"},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": f"not-{space}"}},
                "rules": [rule],
            }
        ],
    }


def applied(cluster: Cluster, space: str, *objects: dict[str, Any]) -> None:
    cluster.kubectl("apply", "-n", space, "-f", "-", stdin=yaml.safe_dump_all(objects))


def rules_of(shell: Shell, *words: str) -> dict[str, list[str]]:
    done = shell.run("sidecar-plugin", "check", "--cluster", "--format", "json", *words)
    assert done.stdout, done.stderr
    found: dict[str, list[str]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        found.setdefault(finding["rule"], []).append(f"{finding['file']} {finding['message']} {finding['remedy']}")
    return found


def test_the_same_rules_judge_what_is_in_the_cluster(cluster: Cluster, space: str, shell: Shell) -> None:
    left_over = {"name": "agent", "image": "agent:1", "env": [{"name": "__IS_SIDECAR__", "value": "true"}]}
    stripped = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stripped", "annotations": {"sidecar-plugin.dev/injected": MARKER}},
        "spec": {
            "nodeName": "nowhere",
            "initContainers": [{"name": "agent", "image": "agent:1"}],
            "containers": [{"name": "app", "image": "app:1"}],
        },
    }
    daemonset = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "logs"},
        "spec": {
            "selector": {"matchLabels": {"app": "logs"}},
            "template": {
                "metadata": {"labels": {"app": "logs"}},
                "spec": {"nodeSelector": {"no": "node"}, "containers": [{"name": "logs", "image": "logs:1"}]},
            },
        },
    }
    native = {"name": "agent", "image": "agent:1", "restartPolicy": "Always"}
    applied(
        cluster,
        space,
        deployment("medium", volumes=[{"name": "cache", "emptyDir": {"medium": "memory"}}]),
        deployment("upgraded", containers=[{"name": "app", "image": "app:1"}, left_over]),
        deployment("native", initContainers=[native]),
        stripped,
        daemonset,
        node(f"old-{space}", "v1.28.3"),
        node(f"virtual-{space}", "v1.28.3", type="virtual-kubelet"),
        webhook(f"changes-{space}", space),
    )
    for name in (f"old-{space}", f"virtual-{space}"):
        status = {"status": {"nodeInfo": {"kubeletVersion": "v1.28.3"}}}
        cluster.run("patch", "node", name, "--subresource=status", "--type=merge", "-p", json.dumps(status))
    try:
        found = rules_of(shell, "-n", space)
        assert [text.split(":")[0].split(" ")[0] for text in found["unknown-medium"]] == [f"{space}/Deployment/medium"]
        assert found["acs-from-1.29"][0].startswith(f"{space}/Deployment/upgraded ")
        assert f"old-{space} (1.28)" in found["native-on-older-node"][0]
        assert f"virtual-{space}" not in found["native-on-older-node"][0]
        assert f"virtual-{space}" in found["daemonset-past-virtual-nodes"][0]
        assert f"changes-{space}" in found["native-sidecar-stripped"][0]
        assert set(rules_of(shell, "-n", space, "-l", "no=label")) == set()
        shown = shell.run("sidecar-plugin", "check", "--cluster", "-n", space, "--select", "unknown-medium")
        assert shown.status == 1
        place = shown.stdout.split(": ")[0]
        line = int(place.split(":")[1])
        as_shown = cluster.kubectl("get", "deployment", "medium", "-n", space, "-o", "yaml").splitlines()
        assert "medium: memory" in as_shown[line - 1]
    finally:
        cluster.kubectl("delete", "node", f"old-{space}", f"virtual-{space}")
        cluster.kubectl("delete", "mutatingwebhookconfiguration", f"changes-{space}")


def test_what_the_user_may_not_read_is_said(cluster: Cluster, space: str, shell: Shell) -> None:
    applied(cluster, space, deployment("medium", volumes=[{"name": "cache", "emptyDir": {"medium": "memory"}}]))
    cluster.kubectl("create", "serviceaccount", "reader", "-n", space)
    cluster.kubectl("create", "role", "reader", "-n", space, "--verb=get,list", "--resource=deployments.apps")
    cluster.kubectl("create", "rolebinding", "reader", "-n", space, "--role=reader", f"--serviceaccount={space}:reader")
    token = cluster.kubectl("create", "token", "reader", "-n", space)
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    (shell.folder / "reader").write_text(yaml.safe_dump(config))
    done = shell.run("sidecar-plugin", "check", "--cluster", "-n", space, "--kubeconfig", "reader")
    assert f"{space}/Deployment/medium:" in done.stdout
    unread = [line.rpartition(" ")[2] for line in done.stderr.splitlines() if "not read" in line]
    assert {"pods", "nodes", "statefulsets.apps"} <= set(unread)
    assert "deployments.apps" not in unread


def test_usage(shell: Shell) -> None:
    for words, said in (
        (("--cluster", "x.yaml"), "leave out PATH"),
        (("-n", "prod", "x.yaml"), "--namespace is for kubectl"),
        (("--cluster", "-n", "a", "-A"), "contradict each other"),
    ):
        done = shell.run("sidecar-plugin", "check", *words)
        assert (done.status, done.stdout) == (2, "")
        assert said in done.stderr

"""`sidecar-plugin verify --plan`: from sidecars of 1.28 to native ones, on a real API server."""

import json
from typing import Any

import yaml

from tests.cluster.conftest import Cluster
from tests.support.real_tools import Helm, Shell

BY_HAND = {"name": "agent", "image": "agent:1", "env": [{"name": "__IS_SIDECAR__", "value": "true"}]}


def workload(kind: str, name: str, *containers: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "app:1"}, *containers]}}
    if kind == "Job":
        template["spec"]["restartPolicy"] = "Never"
        spec: dict[str, Any] = {"suspend": True, "template": template}
    else:
        spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def test_what_is_declared_for_1_28_is_listed_with_what_to_do(cluster: Cluster, space: str, shell: Shell, helm3: Helm) -> None:
    (shell.folder / "stream.yaml").write_text(yaml.safe_dump(workload("Deployment", "applied")))
    settings = ("--set", "clusterVersion=1.28,platform=acs,agents.monitoring.enabled=true")
    shell.output("sidecar-plugin", "inject", "stream.yaml", "--in-place", *settings)
    cluster.kubectl("apply", "-n", space, "-f", shell.folder / "stream.yaml")
    released = yaml.safe_load((shell.folder / "stream.yaml").read_text())
    released["metadata"] = {
        "name": "released",
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": space},
    }
    objects = [
        released,
        workload("Deployment", "hand", BY_HAND),
        workload("Job", "batch", BY_HAND),
        workload("Deployment", "none"),
    ]
    cluster.kubectl("apply", "-n", space, "-f", "-", stdin=yaml.safe_dump_all(objects))

    data = json.loads(shell.output("sidecar-plugin", "verify", "--plan", "-n", space, "-o", "json"))
    found = {each["workload"].split("/", 1)[1]: each for each in data["workloads"]}
    assert set(found) == {"Deployment/applied", "Deployment/released", "Deployment/hand", "Job/batch"}
    assert {each["declaration"] for each in found.values()} == {"acs"}
    assert found["Deployment/released"]["release"] == f"{space}/shop"
    assert f"helm upgrade shop -n {space}" in found["Deployment/released"]["how"]
    assert "render it anew" in found["Deployment/applied"]["how"]
    assert "convert --to native" in found["Deployment/hand"]["how"]
    assert "cannot be changed" in found["Job/batch"]["note"]
    assert data["workloads"][0]["workload"] == f"{space}/Deployment/released"

    said = shell.output("sidecar-plugin", "verify", "--plan", "-n", space, "--cluster-version", "1.28")
    steps = [line for line in said.splitlines() if line[:1].isdigit()]
    assert steps[0].startswith("1. Upgrade the API server: it is 1.28")
    assert "Deployment/none" not in said


def test_where_nothing_is_to_be_moved_it_says_so(space: str, shell: Shell) -> None:
    assert "nothing to move" in shell.output("sidecar-plugin", "verify", "--plan", "-n", space)
    wrong = shell.run("sidecar-plugin", "verify", "--plan", "--wait", "5s")
    assert (wrong.status, wrong.stdout) == (2, "")

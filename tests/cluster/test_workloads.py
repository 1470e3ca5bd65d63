"""A chart's workloads on a real node: the sidecar starts first, hands over all it has, ends with 0, and the Jobs complete."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

WAYS = ["helm3", "helm4", "kustomize"]
RETRY = "job=[ -e /var/log/app/tried ] || { touch /var/log/app/tried; echo failed >>/var/log/app/app.log; exit 1; }; sleep 1"

VALUES = Path(__file__).parent / "chart" / "values.yaml"
FAILS = {
    "name": "app",
    "image": "docker.io/local/busybox:1",
    "imagePullPolicy": "Never",
    "command": ["sh", "-c", "sleep 1; exit 3"],
}


def pods_of(cluster, space: str) -> dict[str, Any]:
    """Return the pods of a namespace by the name of their workload."""
    return {pod["metadata"]["name"].split("-")[0]: pod for pod in cluster.get("pods", "-n", space)["items"]}


def statuses(pod: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the states of the agent and of the application."""
    status = pod["status"]
    (agent,), (app,) = status["initContainerStatuses"], status["containerStatuses"]
    return agent, app


def started(status: dict[str, Any]) -> datetime:
    """Return when a container was started."""
    ((_, state),) = status["state"].items()
    return datetime.strptime(state["startedAt"], "%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("way", WAYS)
def test_the_sidecar_starts_first_and_the_jobs_complete(cluster, space, install, verify, way):
    install(way, space)
    cluster.wait("cronjob/report", space, "jsonpath={.status.lastSuccessfulTime}", 150)

    status, report = verify(space, "--wait", "120s")
    assert status == 0, report
    assert {each["verdict"] for each in report["agents"]} == {"ok"}
    assert {each["pod"].split("-")[0] for each in report["agents"]} == {"import", "report", "web", "store"}
    assert all(each["declaration"] == each["found"] == "native" and each["startedFirst"] for each in report["agents"])
    assert {each["job"].split("-")[0] for each in report["jobs"] if each["state"] == "Complete"} == {"import", "report"}
    assert {each["exitCode"] for each in report["agents"] if each["job"]} == {0}

    pods = pods_of(cluster, space)
    for pod in pods.values():
        agent, app = statuses(pod)
        assert (started(app) - started(agent)).total_seconds() >= 1, "the application did not wait for the startup probe"
    for workload, line in {"import": "sold", "report": "reported"}.items():
        agent, app = statuses(pods[workload])
        assert agent["state"]["terminated"]["finishedAt"] >= app["state"]["terminated"]["finishedAt"]
        assert cluster.kubectl("logs", "-n", space, pods[workload]["metadata"]["name"], "-c", "recorder").splitlines() == [
            line,
            "read to the end",
        ]


def test_a_failing_application_is_retried_and_the_sidecar_stays(cluster, space, install, verify):
    install("helm4", space, "--set", RETRY, "--set", "schedule=0 0 1 1 *")
    status, report = verify(space, "--wait", "120s")
    assert status == 0, report
    (retried,) = [each for each in report["agents"] if each["job"]]
    assert retried["applications"] == [{"container": "app", "exitCode": 0, "restarts": 1}]
    assert (retried["restarts"], retried["exitCode"], retried["startedFirst"]) == (0, 0, True)
    assert cluster.kubectl("logs", "-n", space, retried["pod"], "-c", "recorder") == "failed\nread to the end\n"


def test_a_pod_of_its_own_for_every_try_has_a_sidecar_that_behaves(cluster, space, shell, verify):
    template = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [FAILS]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "fails"},
        "spec": {"backoffLimit": 1, "template": {"spec": template}},
    }
    (shell.folder / "job.json").write_text(json.dumps(job))
    shell.output("sidecar-plugin", "inject", "job.json", "--in-place", "--cluster-version=1.34", f"--values={VALUES}")
    cluster.kubectl("apply", "-n", space, "-f", shell.folder / "job.json")
    status, report = verify(space, "--wait", "120s")
    assert status == 1
    assert [each["verdict"] for each in report["agents"]] == ["ok", "ok"], "the application's failure is not the agent's"
    assert {each["exitCode"] for each in report["agents"]} == {0}
    (failed,) = report["jobs"]
    assert failed["messages"][0].startswith("the Job failed (BackoffLimitExceeded: ")
    assert failed["messages"][0].endswith("the application's containers ended: app with 3")


def test_when_a_pod_is_deleted_the_agent_outlives_the_application(cluster, space, install, shell):
    install("helm3", space, "--set", "schedule=0 0 1 1 *")
    cluster.wait("deployment/web", space, "condition=Available")
    pod = pods_of(cluster, space)["web"]["metadata"]["name"]
    keep = '{"metadata": {"finalizers": ["sidecar-plugin.dev/look-at-the-end"]}}'
    cluster.kubectl("patch", "pod", pod, "-n", space, "--type=merge", "--patch", keep)
    with cluster.following("logs", "--follow", "-n", space, pod, "-c", "recorder") as log:
        cluster.kubectl("delete", "pod", pod, "-n", space, "--wait=false")
        said = log.communicate(timeout=60)[0]
    assert said == "open\nclosing\nread to the end\n"
    cluster.wait(f"pod/{pod}", space, "jsonpath={.status.initContainerStatuses[0].state.terminated}", 60)

    deleted = cluster.get("pod", pod, "-n", space)
    agent, app = (each["state"]["terminated"] for each in statuses(deleted))
    assert (agent["exitCode"], app["exitCode"]) == (0, 0)
    assert agent["finishedAt"] > app["finishedAt"]
    (shell.folder / "pod.json").write_text(json.dumps(deleted))
    done = shell.run("sidecar-plugin", "verify", "pod.json")
    assert done.status == 0, done.stdout
    cluster.kubectl("patch", "pod", pod, "-n", space, "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')

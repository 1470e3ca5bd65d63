"""Every declaration is recognised in what the program itself wrote: by `check`, and by `verify` in a healthy pod."""

import json
from typing import Any

import pytest
import yaml

from sidecar_plugin.kubernetes.declarations import DECLARATIONS
from tests.support.command import TEMPLATES, run

WRITTEN = {
    "native": ("1.30", "kubernetes"),
    "acs": ("1.28", "acs"),
    "eci": ("1.30", "eci"),
    "bci": ("1.30", "bci"),
    "regular": ("1.30", "kubernetes"),
}
JOB = """apiVersion: batch/v1
kind: Job
metadata: {name: import, namespace: shop}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: import, image: example.com/import:1}
"""
TIMES = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:09Z", "2026-01-01T00:00:10Z")


def injected(declaration: str, text: str) -> tuple[bytes, tuple[str, ...]]:
    version, platform = WRITTEN[declaration]
    cluster = ("--cluster-version", version, "--platform", platform)
    asked = ("--declaration", declaration) if declaration == "regular" else ()
    done = run(*cluster, *asked, "--templates", TEMPLATES, "--set", "agents.agent.enabled=true", stdin=text)
    assert done.status == 0, done.stderr
    return done.stdout, cluster


def test_the_table_has_every_declaration() -> None:
    assert WRITTEN.keys() == DECLARATIONS.keys()


@pytest.mark.parametrize("declaration", WRITTEN)
def test_check_takes_what_inject_wrote(declaration: str) -> None:
    text = (
        JOB
        if declaration != "regular"
        else JOB.replace("batch/v1", "apps/v1").replace("Job", "Deployment").replace("      restartPolicy: Never\n", "")
    )
    output, cluster = injected(declaration, text)
    done = run("check", *cluster, "--format", "json", "-", stdin=output)
    found = json.loads(done.stdout)["findings"]
    assert not [each for each in found if each["level"] == "error"], found


def pod_of(output: bytes, exit_code: int) -> dict[str, Any]:
    """Return the pod of a Job as the API shows it when the application has ended with 0 and the agent with `exit_code`."""
    job = yaml.safe_load(output)
    template = job["spec"]["template"]

    def ended(name: str, code: int, start: str, end: str) -> dict[str, Any]:
        state = {"terminated": {"exitCode": code, "startedAt": start, "finishedAt": end}}
        return {"name": name, "restartCount": 0, "state": state}

    statuses = {
        key: [
            ended(each["name"], *((exit_code, TIMES[0], TIMES[3]) if each["name"] == "agent" else (0, TIMES[1], TIMES[2])))
            for each in template["spec"].get(key) or ()
        ]
        for key in ("initContainers", "containers")
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "import-x", "namespace": "shop", **template.get("metadata", {})},
        "spec": template["spec"],
        "status": {
            "phase": "Succeeded",
            "initContainerStatuses": statuses["initContainers"],
            "containerStatuses": statuses["containers"],
        },
    }


@pytest.mark.parametrize("declaration", [name for name in WRITTEN if name != "regular"])
@pytest.mark.parametrize("exit_code", [0, 143])
def test_verify_takes_a_healthy_pod(declaration: str, exit_code: int) -> None:
    """An exit code other than 0 counts everywhere but for native sidecars."""
    output, cluster = injected(declaration, JOB)
    done = run("verify", "--cluster-version", cluster[1], "--output", "json", "-", stdin=json.dumps(pod_of(output, exit_code)))
    [agent] = json.loads(done.stdout)["agents"]
    assert (agent["declaration"], agent["found"]) == (declaration, declaration)
    assert agent["verdict"] == ("failed" if exit_code and DECLARATIONS[declaration].exit_code_counts else "ok")


ENDS = [
    pytest.param({"phase": "Failed", "reason": "Evicted", "message": "the disk is full"}, None, "Evicted", id="evicted"),
    pytest.param({"phase": "Failed", "reason": "OutOfcpu"}, "none", "OutOfcpu", id="rejected by the node"),
    pytest.param({"phase": "Failed", "reason": "DeadlineExceeded"}, None, "DeadlineExceeded", id="past its deadline"),
    pytest.param({"phase": "Failed"}, "none", "never started", id="failed, never started"),
    pytest.param({"phase": "Failed"}, "waiting", "never started", id="failed, still waiting"),
    pytest.param({"phase": "Succeeded"}, "none", "never started", id="succeeded without a status"),
]


@pytest.mark.parametrize("declaration", [name for name in WRITTEN if name != "regular"])
@pytest.mark.parametrize(("status", "containers", "reason"), ENDS)
def test_a_pod_that_is_over_is_healthy_only_if_its_application_ended(
    declaration: str, status: dict[str, str], containers: str | None, reason: str
) -> None:
    pod = pod_of(injected(declaration, JOB)[0], 0)
    pod["status"] |= status
    if containers == "none":
        del pod["status"]["initContainerStatuses"], pod["status"]["containerStatuses"]
    elif containers == "waiting":
        for each in pod["status"]["containerStatuses"]:
            each["state"] = {"waiting": {"reason": "PodInitializing"}}
    done = run("verify", "--output", "json", "-", stdin=json.dumps(pod))
    [agent] = json.loads(done.stdout)["agents"]
    assert (done.status, agent["verdict"]) == (1, "failed")
    assert reason in " ".join(agent["messages"])


def test_a_damaged_marker_hides_no_other_pod() -> None:
    pod = pod_of(injected("native", JOB)[0], 0)
    damaged = {**pod, "metadata": {"name": "bad", "annotations": {"sidecar-plugin.dev/injected": "{"}}}
    done = run("verify", "--output", "json", "-", stdin=json.dumps({"kind": "List", "items": [damaged, pod]}))
    verdicts = {each["pod"]: each["verdict"] for each in json.loads(done.stdout)["agents"]}
    assert (done.status, verdicts) == (1, {"bad": "failed", "import-x": "ok"})


def test_a_waiting_pod_names_the_event_that_holds_it() -> None:
    pod = pod_of(injected("native", JOB)[0], 0)
    waiting = {"name": "agent", "restartCount": 0, "state": {"waiting": {"reason": "PodInitializing"}}}
    pod["status"] = {"phase": "Pending", "initContainerStatuses": [waiting]}
    message = "MountVolume.SetUp failed: unknown medium Stdout"
    about = {"kind": "Pod", "namespace": "shop", "name": "import-x"}
    event = {"kind": "Event", "type": "Warning", "reason": "FailedMount", "message": message, "involvedObject": about}
    done = run("verify", "-", stdin=json.dumps({"kind": "List", "items": [pod, event]}))
    assert f"FailedMount: {message}" in done.stdout.decode()


@pytest.mark.parametrize(
    ("version", "words"), [("1.28", "set clusterVersion to 1.28"), ("1.31", "webhook"), ("", "or a mutating")]
)
def test_a_stripped_restart_policy_names_who_may_have_removed_it(version: str, words: str) -> None:
    pod = pod_of(injected("native", JOB)[0], 0)
    for each in pod["spec"]["initContainers"]:
        del each["restartPolicy"]
    done = run("verify", *(("--cluster-version", version) if version else ()), "-", stdin=json.dumps(pod))
    assert done.status == 1
    assert words in done.stdout.decode()

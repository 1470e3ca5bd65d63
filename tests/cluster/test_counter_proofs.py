"""What the program refuses to make, and what comes of it where somebody makes it all the same."""

import json
from typing import Any

import pytest

from tests.cluster.conftest import CHART
from tests.support.real_tools import tool

VALUES = CHART / "values.yaml"
QUIET = ("--set", "schedule=0 0 1 1 *")


def job(name: str) -> dict[str, Any]:
    """Return a Job of a second."""
    container = {"name": "app", "image": "docker.io/local/busybox:1", "imagePullPolicy": "Never", "command": ["sleep", "1"]}
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": {"spec": spec}}}


def test_a_regular_sidecar_keeps_its_job_from_completing_and_verify_says_why(cluster, space, shell, verify):
    (shell.folder / "job.json").write_text(json.dumps(job("import")))
    by_name = shell.run(
        "sidecar-plugin",
        "inject",
        "job.json",
        "--in-place",
        "--cluster-version=1.34",
        f"--values={VALUES}",
        "--declaration=regular",
    )
    assert "with a regular sidecar this Job never completes" in by_name.stderr
    cluster.kubectl("apply", "-n", space, "-f", shell.folder / "job.json")
    cluster.wait("job/import", space, "jsonpath={.status.active}=1")
    application_over = "jsonpath={.status.containerStatuses[?(@.name=='app')].state.terminated.exitCode}=0"
    cluster.kubectl("wait", "-n", space, "pods", "--all", f"--for={application_over}", "--timeout=60s")
    assert cluster.run("wait", "-n", space, "job/import", "--for=condition=Complete", "--timeout=15s").returncode == 1

    status, report = verify(space, "--wait", "20s")
    assert status == 1
    (agent,), (its_job,) = report["agents"], report["jobs"]
    assert agent["applications"] == [{"container": "app", "exitCode": 0, "restarts": 0}]
    assert agent["messages"] == [
        "the application has ended and this plain container goes on, so Job/import never completes; declare it native on "
        "Kubernetes 1.29 or later (leave out declaration: regular), or acs on ACS, and install again"
    ]
    assert its_job["messages"] == [f"it never completes: see its pod {agent['pod']}"]

    cluster.kubectl("delete", "job", "import", "-n", space)
    (shell.folder / "job.json").write_text(json.dumps(job("import")))
    shell.output("sidecar-plugin", "inject", "job.json", "--in-place", "--cluster-version=1.34", f"--values={VALUES}")
    cluster.kubectl("apply", "-n", space, "-f", shell.folder / "job.json")
    assert verify(space, "--wait", "60s")[0] == 0, "the remedy does not help"


def test_native_for_a_server_that_does_not_know_it_is_refused(shell, helm3, helm4, space, cluster):
    native = ("--set", "sidecars.declaration=native", "--set", "sidecars.clusterVersion=1.28")
    refusal = "the declaration native needs Kubernetes 1.29 or later, the cluster is 1.28"
    for helm in (helm3, helm4):
        done = helm.run("install", CHART, "--namespace", space, *native, *QUIET)
        assert done.status == 1
        assert refusal in done.stderr
    assert cluster.get("jobs,cronjobs,deployments,statefulsets", "-n", space)["items"] == []

    rendered = shell.output(
        tool("helm3"), "template", "shop", CHART, "--kube-version=1.28", "--set=sidecars.declaration=native"
    )
    (shell.folder / "rendered.yaml").write_text(rendered)
    done = shell.run("sidecar-plugin", "inject", "rendered.yaml")
    assert (done.status, done.stdout) == (1, "")
    assert refusal in done.stderr


@pytest.mark.parametrize("way", ["helm3", "helm4"])
def test_the_version_of_this_very_server_decides(space, install, cluster, way):
    install(way, space, *QUIET, "--set", "sidecars.platform=acs")
    (native,) = cluster.get("job", "import", "-n", space)["spec"]["template"]["spec"]["initContainers"]
    assert (native["name"], native["restartPolicy"]) == ("recorder", "Always")


def test_what_such_a_server_would_make_of_it_waits_for_ever_and_verify_says_why(cluster, space, shell, verify):
    """An API server before 1.29 drops a container's restartPolicy; here the test does."""
    (shell.folder / "job.json").write_text(json.dumps(job("import")))
    injected = shell.output("sidecar-plugin", "inject", "job.json", "--cluster-version=1.34", f"--values={VALUES}")
    dropped = json.loads(injected)
    (agent,) = dropped["spec"]["template"]["spec"]["initContainers"]
    assert agent.pop("restartPolicy") == "Always"
    del agent["startupProbe"]  # which only a native sidecar may have
    cluster.kubectl("apply", "-n", space, "-f-", stdin=json.dumps(dropped))
    assert cluster.run("wait", "-n", space, "job/import", "--for=condition=Complete", "--timeout=15s").returncode == 1

    status, report = verify(space)
    assert status == 1
    (agent,) = report["agents"]
    assert (agent["declaration"], agent["found"]) == ("native", "init")
    assert "the pod waits in Init for ever" in agent["messages"][0]

"""The API server and the node of tools/cluster are there and are what they are said to be."""

import json
from typing import Any

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "hello"},
    "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "hello",
                "image": "docker.io/local/busybox:1",
                "imagePullPolicy": "Never",
                "command": ["sh", "-c", "echo hello; exit 3"],
            }
        ],
    },
}


def test_the_api_server_is_of_the_version_that_is_built_and_checks_what_it_takes(api_server):
    assert json.loads(api_server.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"] == "v1.34.1"
    assert "pod/hello created (server dry run)" in api_server.kubectl("apply", "--dry-run=server", "-f-", stdin=json.dumps(POD))
    wrong = {**POD, "spec": {**POD["spec"], "restartPolicy": "Sometimes"}}
    refused = api_server.run("apply", "--dry-run=server", "-f-", stdin=json.dumps(wrong))
    assert refused.returncode == 1
    assert 'supported values: "Always", "OnFailure", "Never"' in refused.stderr


def test_an_api_server_of_its_own_takes_flags(new_api_server):
    flags = "--feature-gates=MutatingAdmissionPolicy=true", "--runtime-config=admissionregistration.k8s.io/v1beta1=true"
    with new_api_server(*flags) as cluster:
        assert "mutatingadmissionpolicies" in cluster.kubectl("api-resources", "--api-group=admissionregistration.k8s.io")


def test_a_pod_runs_on_the_node(cluster):
    space = cluster.namespace()
    cluster.kubectl("apply", "-n", space, "-f-", stdin=json.dumps(POD))
    cluster.wait("pod/hello", space, "jsonpath={.status.phase}=Failed", 60)
    assert cluster.kubectl("logs", "-n", space, "hello") == "hello\n"
    status = cluster.get("pod", "hello", "-n", space)["status"]["containerStatuses"][0]
    assert status["state"]["terminated"]["exitCode"] == 3

"""What `from-daemonset` makes is taken by a real API server, in namespaces too in which pods may have no rights on the node."""

import re
from pathlib import Path

import pytest

from tests.cluster.conftest import Cluster
from tests.support.command import run

FOLDERS = sorted(
    path for path in (Path(__file__).parents[1] / "commands" / "from_daemonset" / "cases").iterdir() if path.is_dir()
)
WORKLOADS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: single}
spec: {containers: [{name: single, image: "single:1"}]}
"""


@pytest.mark.parametrize("configuration", ["inline", "configMap"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_pod_with_the_agent_is_taken_where_baseline_is_enforced(
    api_server: Cluster, folder: Path, configuration: str
) -> None:
    name = next((folder / "expected").iterdir()).name
    words = ["--templates", str(folder / "expected"), "--cluster-version", "1.34", "--platform", "kubernetes"]
    words += ["--set", f"agents.{name}.enabled=true"]
    if "configuration:" in (folder / "expected" / name / "values.yaml").read_text():
        words += ["--set", f"agents.{name}.configuration={configuration}"]
    done = run(*words, stdin=WORKLOADS)
    assert done.status == 0, done.stderr
    space = api_server.namespace()
    api_server.kubectl("label", "namespace", space, "pod-security.kubernetes.io/enforce=baseline")
    said = api_server.kubectl("apply", "-n", space, "--dry-run=server", "-f-", stdin=done.stdout)
    assert "deployment.apps/web created (server dry run)" in said
    assert "pod/single created (server dry run)" in said
    assert said.count("\n") == done.stdout.count(b"kind: ConfigMap") + 2


def test_the_daemon_set_itself_is_refused_there(api_server: Cluster) -> None:
    """So that the test above means something: the pods of these DaemonSets are what Baseline is against."""
    space = api_server.namespace()
    api_server.kubectl("label", "namespace", space, "pod-security.kubernetes.io/warn=baseline")
    for folder in FOLDERS:
        file = folder / "input.yaml"
        text = file.read_text().replace("namespace: monitoring", f"namespace: {space}")
        done = api_server.run("apply", "-n", space, "--dry-run=server", "-f-", stdin=text)
        assert re.search("would violate PodSecurity|disallowed by cluster policy", done.stderr), (folder.name, done.stderr)

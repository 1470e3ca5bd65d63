"""The declaration acs as far as it can be tried without ACS: its server-side shape, by a real API server's own checks."""

import json

from tests.cluster.conftest import CHART
from tests.support.real_tools import Helm, Shell, environment, tool


def test_the_server_takes_the_acs_declaration_as_it_is_written(api_server, tmp_path):
    shell = Shell(environment(tmp_path), tmp_path)
    helm = Helm(tool("helm3"), "sidecar-plugin", shell)
    rendered = helm.template(CHART, "--kube-version=1.28", "--set=sidecars.platform=acs")
    (tmp_path / "rendered.yaml").write_text(rendered)
    items = json.loads(
        api_server.kubectl("apply", "--dry-run=server", "--validate=strict", "-o", "json", "-f", tmp_path / "rendered.yaml")
    )["items"]

    assert sorted(item["kind"] for item in items) == ["CronJob", "Deployment", "Job", "StatefulSet"]
    for item in items:
        spec = item["spec"]
        pod = (spec["jobTemplate"]["spec"] if item["kind"] == "CronJob" else spec)["template"]["spec"]
        assert "initContainers" not in pod
        app, agent = pod["containers"]
        assert (app["name"], agent["name"]) == ("app", "recorder")
        assert agent["env"] == [{"name": "__IS_SIDECAR__", "value": "true"}]
        assert "restartPolicy" not in agent

"""A Kyverno that does not run: no pod starts without its agents, and the spared namespaces stay free."""

from pathlib import Path

from tests.cluster.kyverno import kyverno_on
from tests.cluster.test_export_policy import POD, TWO_AGENTS, NewServer, created, names, refused_or_not, wait
from tests.support.command import run


def test_pods_are_refused_while_kyverno_does_not_run(new_api_server: NewServer, tmp_path: Path) -> None:
    policies = run("export-policy", "--engine", "kyverno", *TWO_AGENTS).stdout
    with new_api_server() as server:
        with kyverno_on(server, tmp_path):
            server.kubectl("apply", "-f-", stdin=policies)
            wait(lambda: names(created(server, POD)) == ["audit"])
        assert "failed calling webhook" in refused_or_not(server, POD)
        for space in ("kube-system", "kyverno"):
            assert names(created(server, POD.replace("namespace: default", f"namespace: {space}"))) == []

"""What `export-policy --guard` prints does on a real API server: it finds workloads without the agents, and no others."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.cluster.conftest import Cluster
from tests.cluster.test_export_policy import ENGINES, Engine, NewServer, an_engine, wait
from tests.support.command import run

SETTINGS = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata: {name: agents}
spec:
  clusterVersion: "1.34"
  platform: kubernetes
  targets: [{namespaces: ["NAMESPACE"]}]
  exclude: [{kinds: [Cron*], names: ["clean-*"]}, {labelSelector: "legacy=yes"}]
  agents:
    audit:
      enabled: true
      template: "container: {name: audit, image: 'registry.example.com:5000/audit:1'}"
    second:
      enabled: true
      targets: [{labelSelector: tier in (front)}]
      template: "container: {name: second, image: 'second:1'}"
"""
POD = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}


def pod(
    labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, restart: str = ""
) -> dict[str, object]:
    metadata = {"labels": {"app": "web", **(labels or {})}, "annotations": annotations or {}}
    spec = {**POD["spec"], **({"restartPolicy": restart} if restart else {})}
    return {"metadata": metadata, "spec": spec}


def workload(kind: str = "Deployment", name: str = "web", **template: object) -> str:
    """Return a manifest of a kind; `template` is as `pod` takes it."""
    metadata = {"name": name}
    selector = {"matchLabels": {"app": "web"}}
    if kind == "Pod":
        made = {"apiVersion": "v1", "kind": kind, **pod(**template)}  # type: ignore[arg-type]
        made["metadata"] = {**made["metadata"], **metadata}  # type: ignore[dict-item]
    elif kind == "ReplicationController":
        spec = {"selector": {"app": "web"}, "template": pod(**template)}  # type: ignore[arg-type]
        made = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
    elif kind in ("Job", "CronJob"):
        job = {"template": pod(restart="Never", **template)}  # type: ignore[arg-type]
        spec = {"schedule": "0 3 * * *", "jobTemplate": {"spec": job}} if kind == "CronJob" else job
        made = {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": spec}
    else:
        spec = {"selector": selector, "template": pod(**template)}  # type: ignore[arg-type]
        if kind == "StatefulSet":
            spec["serviceName"] = "web"
        made = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
    return yaml.safe_dump(made)


class Guarded(NamedTuple):
    """A namespace that a guard judges, and the settings of the guard as a file."""

    engine: str
    server: Cluster
    space: str
    settings: Path

    @classmethod
    def new(cls, engine: str, server: Cluster, folder: Path) -> "Guarded":
        """Make a namespace, with the service account that pods need, and settings that mean it."""
        space = server.namespace()
        metadata = {"name": "default", "namespace": space}
        server.kubectl(
            "apply", "-f-", stdin=yaml.safe_dump({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        )
        path = folder / "sidecars.yaml"
        path.write_text(SETTINGS.replace("NAMESPACE", space))
        return cls(engine, server, space, path)

    @contextmanager
    def by(self, *words: str) -> Iterator[None]:
        """Have a guard in the cluster; the API server needs a moment to see that it came."""
        done = run(
            "export-policy", "--engine", self.engine, "--config", str(self.settings), "--name", self.space, "--guard", *words
        )
        assert done.status == 0, done.stderr
        self.server.kubectl("apply", "-f-", stdin=done.stdout)
        try:
            wait(lambda: "has no container audit" in self.answer(workload()))
            yield
        finally:
            self.server.kubectl("delete", "-f-", stdin=done.stdout)

    def answer(self, manifest: str, verb: str = "create") -> str:
        """Return what the API server says against a manifest, "" for nothing."""
        return self.server.run(verb, "-n", self.space, "--dry-run=server", "-f-", stdin=manifest).stderr

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run kubectl in the namespace, which has to succeed."""
        return self.server.kubectl(*words, "-n", self.space, stdin=stdin)

    def injected(self, manifest: str) -> str:
        """Return the manifest with the agents of the settings."""
        data = yaml.safe_load(manifest)
        data["metadata"]["namespace"] = self.space
        done = run("--config", str(self.settings), "--report", "none", stdin=yaml.safe_dump(data))
        assert done.status == 0, done.stderr
        return done.stdout.decode()


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, new_api_server: NewServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with an_engine(request.param, new_api_server, tmp_path_factory.mktemp("engine")) as started:
        yield started


@pytest.fixture(scope="module")
def guarded(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    here = Guarded.new(engine.name, engine.server, tmp_path_factory.mktemp("guard"))
    with here.by("deny"):
        yield here


@pytest.fixture
def unguarded(engine: Engine, tmp_path: Path) -> Guarded:
    return Guarded.new(engine.name, engine.server, tmp_path)


KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Pod")


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_needs_its_agents(guarded: Guarded, kind: str) -> None:
    plain = workload(kind)
    assert "has no container audit of the agent audit" in guarded.answer(plain)
    assert guarded.answer(guarded.injected(plain)) == ""


FRONT = {"tier": "front"}
INJECT, AGENTS = "sidecar-plugin.dev/inject", "sidecar-plugin.dev/agents"


HELD = [
    pytest.param(workload(labels=FRONT), {"audit", "second"}, id="an agent's own targets"),
    pytest.param(workload(labels={"legacy": "yes"}), set(), id="excluded by a label"),
    pytest.param(workload(labels={"legacy": "no"}), {"audit"}, id="another value of the label"),
    pytest.param(workload("CronJob", "clean-up"), set(), id="excluded by kind and name"),
    pytest.param(workload("Job", "clean-up"), {"audit"}, id="another kind of that name"),
    pytest.param(workload(annotations={INJECT: "false"}), set(), id="left out by annotation"),
    pytest.param(workload("CronJob", annotations={INJECT: "false"}), set(), id="the same in a CronJob"),
    pytest.param(workload(labels={"legacy": "yes"}, annotations={INJECT: "true"}), {"audit"}, id="asked for by annotation"),
    pytest.param(workload(annotations={AGENTS: "second"}), {"second"}, id="agents named by annotation"),
    pytest.param(workload(annotations={AGENTS: ""}), set(), id="no agents by annotation"),
]


@pytest.mark.parametrize(("manifest", "missing"), HELD)
def test_settings_and_annotations_hold(guarded: Guarded, manifest: str, missing: set[str]) -> None:
    answer = guarded.answer(manifest)
    # The API server names the first check that fails.
    assert [agent for agent in ("audit", "second") if f"of the agent {agent}" in answer] == sorted(missing)[:1]


def test_other_namespaces_are_spared(guarded: Guarded) -> None:
    assert guarded.server.run("create", "-n", "default", "--dry-run=server", "-f-", stdin=workload()).stderr == ""


def test_only_a_changed_pod_template_is_judged(guarded: Guarded) -> None:
    guarded.kubectl("create", "-f-", stdin=guarded.injected(workload(name="kept")))
    guarded.kubectl("scale", "deployment/kept", "--replicas=3")
    guarded.kubectl("label", "deployment/kept", "team=a")
    assert "has no container audit" in guarded.answer(workload(name="kept"), "replace")


def test_a_workload_from_before_the_guard_is_judged_when_its_pods_change(unguarded: Guarded) -> None:
    old = workload(name="old")
    unguarded.kubectl("create", "-f-", stdin=old)
    with unguarded.by("deny"):
        unguarded.kubectl("annotate", "deployment/old", "team=a")
        assert "has no container audit" in unguarded.answer(old.replace("web:1", "web:2"), "replace")
        unguarded.kubectl("delete", "deployment/old")


def test_a_guard_that_warns_lets_pass(unguarded: Guarded) -> None:
    with unguarded.by("warn"):
        unguarded.kubectl("create", "-f-", stdin=workload())
        assert unguarded.answer(workload(name="next")).startswith("Warning: ")


def test_without_opting_out_the_annotations_do_not_count(unguarded: Guarded) -> None:
    with unguarded.by("deny", "--no-opt-out"):
        for annotations in ({INJECT: "false"}, {AGENTS: "second"}):
            assert "has no container audit" in unguarded.answer(workload(annotations=annotations))
        assert unguarded.answer(workload(labels={"legacy": "yes"})) == ""

"""What `export-policy` prints does on a real API server, alone and with Kyverno: a pod gets what injection gives it.

The same pods are created through both engines, and both have to store what the rendered pod is stored as.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidecar_plugin.injection.marker import INJECTED
from tests.cluster.conftest import Cluster
from tests.cluster.kyverno import kyverno_on
from tests.support.command import run

NewServer = Callable[..., AbstractContextManager[Cluster]]
ENGINES = ("admission-policy", "kyverno")
POLICIES = Path(__file__).parents[1] / "commands" / "export_policy" / "cases"
FLAGS = "--feature-gates=MutatingAdmissionPolicy=true", "--runtime-config=admissionregistration.k8s.io/v1beta1=true"
TWO_AGENTS = ("--config", str(POLICIES / "two-agents" / "config.yaml"))
BUILT_IN = ("--cluster-version", "1.34", "--platform", "kubernetes", "--set", "agents.logging.enabled=true")
BUILT_IN += ("--set", "agents.monitoring.enabled=true,agents.proxy.enabled=true")

REFERENCE = {"apiVersion": "batch/v1", "kind": "Job", "name": "o", "uid": "1", "controller": True}
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: direct
  namespace: default
  labels: {app: web}
spec:
  containers:
  - name: web
    image: web:1
"""
FULL_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: full
  namespace: default
  labels: {tier: front}
  annotations: {note: mine}
spec:
  initContainers:
  - {name: prepare, image: "prepare:1"}
  containers:
  - name: web
    image: web:1
    env: [{name: OWN, value: "1"}, {name: AUDIT, value: mine}]
    volumeMounts: [{name: data, mountPath: /data}]
  - {name: second-of-mine, image: "web:1"}
  volumes:
  - {name: data, emptyDir: {}}
  imagePullSecrets: [{name: own}]
"""
LISTED_POD = FULL_POD.replace(
    "{note: mine}", '{bci.virtual-kubelet.io/bci-ignore-exit-code-containers: "second-of-mine, audit"}'
)


def annotated(key: str, value: str) -> str:
    return POD.replace("  labels:", f"  annotations: {json.dumps({key: value})}\n  labels:")


MIRROR = annotated("kubernetes.io/config.mirror", "x").replace("spec:", "spec:\n  nodeName: node1")


@dataclass(frozen=True, slots=True)
class Engine:
    """An API server with an engine: `refuses` is in the message of each pod that the policies refuse."""

    name: str
    server: Cluster
    refuses: str


@contextmanager
def an_engine(name: str, new_api_server: NewServer, folder: Path) -> Iterator[Engine]:
    """Start an API server with an engine."""
    if name == "admission-policy":
        with new_api_server(*FLAGS) as server:
            yield Engine(name, server, "ValidatingAdmissionPolicy 'sidecar-plugin'")
    else:
        with new_api_server() as server, kyverno_on(server, folder):
            yield Engine(name, server, "Policy sidecar-plugin failed")


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, new_api_server: NewServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with an_engine(request.param, new_api_server, tmp_path_factory.mktemp("engine")) as started:
        yield started


@contextmanager
def in_force(engine: Engine, *words: str) -> Iterator[None]:
    """Have a policy in the cluster; the API server needs a moment to see that it came, and that it went."""
    server = engine.server
    done = run("export-policy", "--engine", engine.name, *words)
    assert done.status == 0, done.stderr
    server.kubectl("apply", "-f-", stdin=done.stdout)
    try:
        wait(lambda: INJECTED in created(server, POD)["metadata"].get("annotations", {}))
        wait(lambda: "denied" in refused_or_not(server, annotated("sidecar-plugin.dev/values.x", "1")))
        yield
    finally:
        server.kubectl("delete", "-f-", stdin=done.stdout)
        wait(lambda: INJECTED not in created(server, POD)["metadata"].get("annotations", {}))


def wait(condition: Callable[[], bool]) -> None:
    for _ in range(120):
        if condition():
            return
        time.sleep(0.25)
    pytest.fail("waited for 30 s")


def created(server: Cluster, pod: str | bytes) -> dict[str, Any]:
    """Return the pod that would be made, less what differs from one to the next."""
    made: dict[str, Any] = json.loads(server.kubectl("create", "--dry-run=server", "-o", "json", "-f-", stdin=pod))
    for key in ("uid", "creationTimestamp", "generation", "managedFields"):
        made["metadata"].pop(key, None)
    del made["status"]
    return made


def refused_or_not(server: Cluster, pod: str) -> str:
    return server.run("create", "--dry-run=server", "-f-", stdin=pod).stderr


def marker(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the pod's marker, its lists without their order."""
    data = json.loads(pod["metadata"]["annotations"].pop(INJECTED))
    return {**data, "added": {path: sorted(names) for path, names in data["added"].items()}, "created": set(data["created"])}


CASES = [
    pytest.param(TWO_AGENTS, (), [POD, FULL_POD], id="two agents"),
    pytest.param((*TWO_AGENTS, "--platform", "bci"), (), [POD, FULL_POD, LISTED_POD], id="annotations that list the agents"),
    pytest.param((*TWO_AGENTS, "--platform", "eci"), (), [FULL_POD], id="variables"),
    pytest.param((*TWO_AGENTS, "--declaration", "regular"), (), [FULL_POD], id="regular"),
    pytest.param((*TWO_AGENTS, "--set", "agents.second.position=last"), (), [FULL_POD], id="last"),
    pytest.param(BUILT_IN, ("--bare",), [POD, FULL_POD], id="the built-in agents"),
]


@pytest.mark.parametrize(("words", "more", "pods"), CASES)
def test_a_pod_created_directly_gets_what_injection_gives(
    engine: Engine, words: tuple[str, ...], more: tuple[str, ...], pods: list[str]
) -> None:
    server = engine.server
    plain = [created(server, pod) for pod in pods]
    rendered = [run(*words, "--report", "none", stdin=pod).stdout for pod in pods]
    expected = [created(server, pod) for pod in rendered]
    with in_force(engine, *words, *more):
        for pod, text, wanted, before in zip(pods, rendered, expected, plain, strict=True):
            assert created(server, text) == wanted, "what injection rendered is left alone"
            direct = created(server, pod)
            taken_out = run("uninject", "-", stdin=yaml.safe_dump(direct, sort_keys=False))
            assert yaml.safe_load(taken_out.stdout) == before, "uninject takes it out of a pod that was read from the cluster"
            assert marker(direct) == marker(wanted)
            assert direct == wanted


@pytest.fixture(scope="module")
def guarded(engine: Engine) -> Iterator[Cluster]:
    """The API server with the policy of two agents; `second` is for pods with tier=front."""
    with in_force(engine, *TWO_AGENTS):
        yield engine.server


def names(pod: dict[str, Any]) -> list[str]:
    return [container["name"] for container in pod["spec"].get("initContainers", [])]


HEEDED = [
    pytest.param(POD, ["audit"], id="an agent of which the pod is no target"),
    pytest.param(POD.replace("app: web", "tier: front"), ["audit", "second"], id="all agents"),
    pytest.param(POD.replace("app: web", 'legacy: "1"'), [], id="excluded by label"),
    pytest.param(annotated("sidecar-plugin.dev/inject", "false"), [], id="left out by annotation"),
    pytest.param(annotated("sidecar-plugin.dev/inject", "true").replace("app: web", 'legacy: "1"'), ["audit"], id="taken in"),
    pytest.param(annotated("sidecar-plugin.dev/agents", " second "), ["second"], id="one agent by annotation"),
    pytest.param(annotated("sidecar-plugin.dev/agents", ""), [], id="none by annotation"),
    pytest.param(MIRROR, [], id="a mirror of a static pod"),
    pytest.param(POD.replace("namespace: default", "namespace: kube-system"), [], id="the system's namespace"),
]


@pytest.mark.parametrize(("pod", "agents"), HEEDED)
def test_settings_and_annotations_are_heeded(guarded: Cluster, pod: str, agents: list[str]) -> None:
    made = created(guarded, pod)
    assert names(made) == agents
    assert (INJECTED in made["metadata"].get("annotations", {})) == bool(agents)


REFUSED = [
    (annotated("sidecar-plugin.dev/values.audit", "{x: 1}"), "needs rendering, which a policy cannot do"),
    (annotated("sidecar-plugin.dev/inject", "no"), 'sidecar-plugin.dev/inject must be "true" or "false"'),
    (annotated("sidecar-plugin.dev/agents", "audit,third"), "sidecar-plugin.dev/agents may name audit, second here"),
    (annotated("audit.example.com/config", "mine"), "the annotation audit.example.com/config is the agents' own"),
    (POD.replace("app: web", "audited: no-no"), "the label audited is the agents' own"),
]


@pytest.mark.parametrize(("pod", "message"), REFUSED)
def test_what_a_policy_cannot_do_is_refused_with_a_message(engine: Engine, guarded: Cluster, pod: str, message: str) -> None:
    said = refused_or_not(guarded, pod)
    assert engine.refuses in said
    assert message in said


def test_a_name_that_is_taken_is_refused_by_the_api_server(guarded: Cluster) -> None:
    assert "Duplicate value" in refused_or_not(guarded, POD.replace("name: web\n", "name: audit\n"))


def test_a_pod_of_a_controller_gets_its_generate_name(guarded: Cluster) -> None:
    made = created(guarded, POD.replace("name: direct", "generateName: web-5d8f-"))
    assert made["metadata"]["annotations"]["audit.example.com/config"] == 'name: default/web-5d8f-\nx: "y"\n'


@pytest.mark.parametrize(
    ("owner", "agents"), [("Job", ["first", "second"]), ("ReplicaSet", []), ("", [])], ids=["Job", "another kind", "no owner"]
)
def test_kinds_are_those_of_the_pods_owner(engine: Engine, owner: str, agents: list[str]) -> None:
    server = engine.server
    words = ("--config", str(POLICIES / "bci-lists" / "config.yaml"), "--cluster-version", "1.34", "--platform", "kubernetes")
    target = "targets[0].kinds={Job}"
    pod = yaml.safe_load(POD.replace("app: web", 'legacy: "1"'))  # which the policy of the other tests leaves alone
    if owner:
        pod["metadata"]["ownerReferences"] = [{**REFERENCE, "kind": owner}]
    done = run("export-policy", "--engine", engine.name, *words, "--set", target, "--name", "of-jobs")
    assert done.status == 0, done.stderr
    server.kubectl("apply", "-f-", stdin=done.stdout)
    job = {**pod, "metadata": {**pod["metadata"], "ownerReferences": [REFERENCE]}}
    try:
        wait(lambda: names(created(server, json.dumps(job))) == ["first", "second"])
        assert names(created(server, json.dumps(pod))) == agents
    finally:
        server.kubectl("delete", "-f-", stdin=done.stdout)
        wait(lambda: not names(created(server, json.dumps(job))))

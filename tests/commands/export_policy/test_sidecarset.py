"""`export-policy --engine sidecarset`: the folders of tests/commands/export_policy/sidecarsets, config.yaml in (its first line
has the arguments), expected.yaml out, and what a SidecarSet cannot say.

`UPDATE_CASES=1 pytest tests/commands/export_policy/test_sidecarset.py` writes expected.yaml anew. docs/policy.md says what was
run with OpenKruise itself.
"""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import Run, run

FOLDERS = sorted(path for path in (Path(__file__).parent / "sidecarsets").iterdir() if path.is_dir())
AGENT = "container: {name: a, image: x}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_sidecar_sets(folder: Path) -> None:
    config = folder / "config.yaml"
    command = shlex.split(config.read_text().splitlines()[0].removeprefix("# "))
    done = run(*command, "--engine", "sidecarset", "--config", str(config))
    assert done.status == 0, done.stderr
    if os.environ.get("UPDATE_CASES"):
        (folder / "expected.yaml").write_bytes(done.stdout)
    assert done.stdout.decode() == (folder / "expected.yaml").read_text()


def export(tmp_path: Path, words: tuple[str, ...], spec: dict[str, Any]) -> Run:
    """Export settings with one agent, whose template is in `spec` as `template`."""
    template = spec.pop("template", AGENT)
    agents = spec.pop("agents", {"a": {"enabled": True, "template": template}})
    version = {"clusterVersion": "1.28", "platform": "acs"}
    settings = {
        "apiVersion": "sidecar-plugin.dev/v1alpha1",
        "kind": "SidecarInjection",
        "spec": {**version, **spec, "agents": agents},
    }
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps(settings))
    return run("export-policy", "--engine", "sidecarset", "--config", str(file), *words)


def sidecar_set(done: Run) -> dict[str, Any]:
    assert done.status == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document["kind"] == "SidecarSet"]
    assert len(documents) == 1
    return dict(documents[0])


VIRTUAL, OLD, NEW = ("--virtual-nodes",), ("--engine-version", "1.3"), ("--engine-version", "1.9")
REFUSED: list[Any] = [
    ("native on virtual nodes", VIRTUAL, {"clusterVersion": "1.30"}, "declaration: native sidecars need OpenKruise 1.7"),
    (
        "native on an old version",
        ("--engine-version", "1.6"),
        {"clusterVersion": "1.30"},
        "1.7, and this is 1.6; use declaration: acs",
    ),
    ("bci", NEW, {"platform": "bci"}, "declaration: the declaration bci lists its containers in an annotation"),
    ("regular", NEW, {"platform": "kubernetes"}, "declaration: a SidecarSet cannot leave out pods that run to completion"),
    ("kinds", NEW, {"targets": [{"kinds": ["Pod"]}]}, "targets[0].kinds: a SidecarSet compares labels and namespaces only"),
    ("names", NEW, {"exclude": [{"names": ["web"]}]}, "exclude[0].names: a SidecarSet compares labels"),
    ("annotations", NEW, {"targets": [{"annotationSelector": "a"}]}, "targets[0].annotationSelector: a SidecarSet compares"),
    ("patterns", NEW, {"targets": [{"namespaces": ["team-*"]}]}, "targets[0].namespaces: a SidecarSet takes whole names"),
    (
        "two targets",
        NEW,
        {"targets": [{"labelSelector": "a"}, {"labelSelector": "b"}]},
        "targets[1]: a SidecarSet has one selector",
    ),
    (
        "two labels to leave out",
        NEW,
        {"exclude": [{"labelSelector": "a,b"}]},
        "exclude[0]: a SidecarSet leaves out pods by one thing",
    ),
    ("bad selector", NEW, {"targets": [{"labelSelector": "a=b=c"}]}, "targets[0].labelSelector"),
    ("no label", (*NEW, "--no-opt-out"), {}, "targets: a SidecarSet needs a label to select pods by"),
    (
        "a namespace to leave out",
        OLD,
        {"exclude": [{"namespaces": ["a"]}]},
        "exclude[0].namespaces: leaving out namespaces needs OpenKruise 1.4",
    ),
    (
        "two namespaces",
        VIRTUAL,
        {"targets": [{"namespaces": ["a", "b"]}]},
        "targets[0].namespaces: more than one namespace needs",
    ),
    (
        "two namespaces that exclude each other",
        OLD,
        {
            "targets": [{"namespaces": ["a"]}],
            "agents": {"a": {"enabled": True, "template": AGENT, "targets": [{"namespaces": ["b"]}]}},
        },
        "agents.a.targets[0].namespaces: no pod is in two namespaces",
    ),
    (
        "another platform on virtual nodes",
        VIRTUAL,
        {"platform": "kubernetes", "declaration": "acs"},
        "platform: --virtual-nodes is for those of ACK",
    ),
    ("labels", NEW, {"template": f"{AGENT}\npodLabels: {{a: b}}"}, "agents.a: the agent a adds labels to the pod"),
    (
        "variables of the application",
        NEW,
        {"template": f"{AGENT}\napplicationContainers: {{env: [{{name: A, value: b}}]}}"},
        "agents.a: the agent a adds variables to the application's containers",
    ),
    (
        "mounts of the application",
        NEW,
        {
            "template": f"{AGENT}\nvolumes: [{{name: v, emptyDir: {{}}}}]\n"
            "applicationContainers: {volumeMounts: [{name: v, mountPath: /v}]}"
        },
        "agents.a: the agent a mounts a volume into the application's containers",
    ),
    (
        "a volume that is not mounted",
        NEW,
        {"template": f"{AGENT}\nvolumes: [{{name: v, emptyDir: {{}}}}]"},
        "agents.a: the agent a adds the volume v",
    ),
    (
        "the pod's name",
        NEW,
        {"template": "container: {name: a, image: x, args: ['--pod={{ workload.name }}']}"},
        "agents.a: the agent a takes the pod's name",
    ),
    (
        "a ConfigMap",
        NEW,
        {"template": f"{AGENT}\nmanifests: [{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}}}]"},
        "agents.a: the agent a brings ConfigMap/c, which would have to be in the namespace of each pod",
    ),
    (
        "a manifest of another kind",
        (*VIRTUAL, "--resources-namespace", "n"),
        {"template": f"{AGENT}\nmanifests: [{{apiVersion: v1, kind: Service, metadata: {{name: c}}}}]"},
        "agents.a: the agent a brings Service/c, and a pod mounts ConfigMaps and Secrets only",
    ),
    (
        "a manifest with a namespace",
        (*VIRTUAL, "--resources-namespace", "n"),
        {"template": f"{AGENT}\nmanifests: [{{apiVersion: v1, kind: Secret, metadata: {{name: c, namespace: m}}}}]"},
        "agents.a: the agent a brings Secret/c with a namespace of its own",
    ),
    (
        "a projected volume",
        (*VIRTUAL, "--resources-namespace", "n"),
        {
            "template": "container: {name: a, image: x, volumeMounts: [{name: v, mountPath: /v}]}\n"
            "volumes: [{name: v, projected: {sources: [{secret: {name: s}}]}}]"
        },
        "agents.a: the volume v is projected",
    ),
    (
        "an init container with a volume of the pod",
        OLD,
        {"template": f"{AGENT}\ninitContainers: [{{name: i, image: x, volumeMounts: [{{name: data, mountPath: /data}}]}}]"},
        "agents.a: the init container i of the agent a mounts a volume of the pod's own, data: that needs OpenKruise 1.5",
    ),
]


@pytest.mark.parametrize(("words", "spec", "message"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_what_a_sidecar_set_cannot_say_is_refused_with_the_key(
    tmp_path: Path, words: tuple[str, ...], spec: dict[str, Any], message: str
) -> None:
    done = export(tmp_path, words, dict(spec))
    assert (done.status, done.stdout) == (1, b"")
    assert message in done.stderr


def stdout_agent(name: str, volume: str) -> dict[str, Any]:
    container = {"name": name, "image": "x", "volumeMounts": [{"name": volume, "mountPath": "/s"}]}
    volumes = [{"name": volume, "emptyDir": {"medium": "Stdout"}}]
    return {"enabled": True, "template": json.dumps({"container": container, "volumes": volumes})}


def test_two_agents_share_a_stdout_volume_by_its_name_only(tmp_path: Path) -> None:
    spec = {"targets": [{"labelSelector": "app"}]}
    agents = {"a": stdout_agent("a", "one"), "b": stdout_agent("b", "two")}
    done = export(tmp_path, VIRTUAL, {**spec, "agents": agents})
    assert (done.status, done.stdout) == (1, b"")
    assert "agents.b: the agent b adds a second volume of medium Stdout" in done.stderr
    agents = {"a": stdout_agent("a", "one"), "b": stdout_agent("b", "one")}
    volumes = sidecar_set(export(tmp_path, VIRTUAL, {**spec, "agents": agents}))["spec"]["volumes"]
    assert volumes == [{"name": "one", "emptyDir": {"medium": "Stdout"}}]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--engine sidecarset needs the version of OpenKruise"),
        (("--engine-version", "latest"), "--engine-version latest: no version of OpenKruise"),
        (("--engine-version", "1.2"), "OpenKruise 1.3 or later is needed"),
        ((*NEW, "--resources-namespace", "n"), "--resources-namespace goes with --virtual-nodes"),
        ((*NEW, "--guard", "warn"), "a SidecarSet refuses nothing"),
        ((*NEW, "--name", "a.b"), "--name a.b: a SidecarSet would be named a.b"),
    ],
)
def test_options_that_do_not_go_together_are_bad_usage(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = export(tmp_path, words, {})
    assert (done.status, done.stdout) == (2, b"")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("version", "api"), [("1.3", "v1alpha1"), ("1.8.4", "v1alpha1"), ("v1.9.0", "v1beta1"), ("1.10", "v1beta1")]
)
def test_the_version_of_the_api_is_openkruises(tmp_path: Path, version: str, api: str) -> None:
    done = export(tmp_path, ("--engine-version", version), {})
    assert sidecar_set(done)["apiVersion"] == f"apps.kruise.io/{api}"


def test_virtual_nodes_take_the_features_of_1_3_whatever_the_version(tmp_path: Path) -> None:
    made = sidecar_set(export(tmp_path, (*VIRTUAL, *NEW), {"targets": [{"namespaces": ["shop"]}]}))
    assert made["apiVersion"] == "apps.kruise.io/v1alpha1"
    assert made["spec"]["namespace"] == "shop"
    assert "namespaceSelector" not in made["spec"]


def test_items_that_are_null_are_none(tmp_path: Path) -> None:
    made = sidecar_set(export(tmp_path, NEW, {"template": "container: {name: a, image: x, env: [null], volumeMounts: [null]}"}))
    assert made["spec"]["containers"][0]["env"] == [{"name": "__IS_SIDECAR__", "value": "true"}]


def test_a_startup_probe_has_its_defaults_which_openkruise_does_not_set(tmp_path: Path) -> None:
    template = "container: {name: a, image: x, startupProbe: {httpGet: {port: 80, path: null}, failureThreshold: 60}}"
    probe = sidecar_set(export(tmp_path, NEW, {"template": template}))["spec"]["containers"][0]["startupProbe"]
    assert probe == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "failureThreshold": 60,
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
    }


WARNED: list[Any] = [
    (
        "the system's namespaces",
        VIRTUAL,
        {},
        "sparing the namespaces kube-system, kube-public, kube-node-lease needs OpenKruise 1.4",
    ),
    ("regular by name", NEW, {"declaration": "regular"}, "with regular sidecars these never end; select none by targets"),
    (
        "the order of init containers",
        NEW,
        {"template": f"{AGENT}\ninitContainers: [{{name: z, image: x}}, {{name: b, image: x}}]"},
        "OpenKruise sorts init containers by name: b, z start in this order",
    ),
    (
        "init containers behind the pod's own",
        OLD,
        {
            "agents": {
                "a": {"enabled": True, "position": "first", "template": f"{AGENT}\ninitContainers: [{{name: i, image: x}}]"}
            }
        },
        "OpenKruise starts i behind the pod's own init containers",
    ),
    (
        "a volume of the pod's own",
        NEW,
        {"template": "container: {name: a, image: x, volumeMounts: [{name: data, mountPath: /data}]}"},
        "so they must mount that volume at /data",
    ),
]


@pytest.mark.parametrize(("words", "spec", "message"), [pytest.param(*row[1:], id=row[0]) for row in WARNED])
def test_what_differs_from_injection_is_a_warning(
    tmp_path: Path, words: tuple[str, ...], spec: dict[str, Any], message: str
) -> None:
    done = export(tmp_path, words, dict(spec))
    assert message in done.stderr
    sidecar_set(done)


_VALUES = ("path=/logs/*.log", "volume.name=logs", "volume.mountPath=/logs")
SOURCES = ("--set", ",".join(f"agents.logging.sources[0].{value}" for value in _VALUES))


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("logging", SOURCES),
        ("logging", (*SOURCES, "--set", "agents.logging.engine=otel-collector")),
        ("monitoring", ("--bare", "--set", "agents.monitoring.otlp.setEnv=false")),
        ("proxy", ("--bare", "--set", "agents.proxy.egress.setEnv=false")),
    ],
)
def test_the_built_in_agents_can_be_in_a_sidecar_set(agent: str, words: tuple[str, ...]) -> None:
    done = run(
        *("export-policy", "--engine", "sidecarset", *NEW, "--cluster-version", "1.30", "--platform", "kubernetes"),
        *("--set", f"agents.{agent}.enabled=true", *words),
    )
    assert [container["name"] for container in sidecar_set(done)["spec"]["initContainers"]] == [agent]

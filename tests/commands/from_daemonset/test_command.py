"""`from-daemonset`: the folders of tests/commands/from_daemonset/cases, input.yaml in, the folder `expected` and
report.txt out.

`UPDATE_CASES=1 pytest tests/commands/from_daemonset/test_command.py` writes both anew. That an API server takes what comes
out of it is shown in
tests/cluster/test_from_daemonset.py, also for the public charts that the inputs are shaped after.
"""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sidecar_plugin.commands.from_daemonset.host_access import EXCHANGE, LOGS, NODE, STATE, host_path_of, without_node_rights
from tests.support.command import run

FOLDERS = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
by_name = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)

WORKLOADS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web   # mine
        image: web:1
---
apiVersion: batch/v1
kind: Job
metadata: {name: import}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: import, image: "import:1"}]}
"""


def options(folder: Path) -> list[str]:
    file = folder / "options"
    return file.read_text().split() if file.exists() else []


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_bytes().decode() for path in sorted(folder.rglob("*")) if path.is_file()}


@by_name
def test_an_agent_comes_out(folder: Path, tmp_path: Path) -> None:
    done = run("from-daemonset", str(folder / "input.yaml"), "--output-dir", str(tmp_path / "agents"), *options(folder))
    assert (done.status, done.stdout) == (0, b""), done.stderr
    report = done.stderr.replace(str(tmp_path), "")
    if os.environ.get("UPDATE_CASES"):
        shutil.rmtree(folder / "expected", ignore_errors=True)
        shutil.copytree(tmp_path / "agents", folder / "expected")
        (folder / "report.txt").write_text(report)
    assert report == (folder / "report.txt").read_text()
    assert texts(tmp_path / "agents") == texts(folder / "expected")


@by_name
@pytest.mark.parametrize("configuration", ["inline", "configMap"])
@pytest.mark.parametrize(("version", "platform"), [("1.28", "acs"), ("1.30", "acs"), ("1.34", "kubernetes")])
def test_the_program_takes_the_agent(folder: Path, configuration: str, version: str, platform: str) -> None:
    name = next((folder / "expected").iterdir()).name
    words = ["--templates", str(folder / "expected"), "--cluster-version", version, "--platform", platform]
    words += ["--set", f"agents.{name}.enabled=true"]
    if "configuration:" in (folder / "expected" / name / "values.yaml").read_text():
        words += ["--set", f"agents.{name}.configuration={configuration}"]
    done = run(*words, stdin=WORKLOADS)
    assert done.status == 0, done.stderr
    for document in yaml.safe_load_all(done.stdout):
        kubernetes_validate.validate(document, version, strict=True)
        pod = document.get("spec", {}).get("template", {}).get("spec", {})
        assert not any("hostPath" in volume for volume in pod.get("volumes", []))
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
    assert run(*words, stdin=done.stdout).stdout == done.stdout
    assert run("uninject", "-", stdin=done.stdout).stdout.decode() == WORKLOADS


def test_the_configuration_arrives_as_it_was(tmp_path: Path) -> None:
    folder = next(folder for folder in FOLDERS if folder.name == "log-collector")
    given = next(document for document in documents(folder / "input.yaml") if document["kind"] == "ConfigMap")["data"]
    words = ["--templates", str(folder / "expected"), "--cluster-version", "1.30", "--set", "agents.collector.enabled=true"]
    inline = next(iter(yaml.safe_load_all(run(*words, stdin=WORKLOADS).stdout)))["spec"]["template"]
    found = {key: inline["metadata"]["annotations"][f"logs.sidecar-plugin.dev/{key}"] for key in given}
    assert found == given
    words += ["--set", "agents.collector.configuration=configMap"]
    assert list(yaml.safe_load_all(run(*words, stdin=WORKLOADS).stdout))[-1]["data"] == given


def test_text_with_other_line_breaks_arrives_as_it_was(tmp_path: Path) -> None:
    folder = next(folder for folder in FOLDERS if folder.name == "collector")
    words = ["--templates", str(folder / "expected"), "--cluster-version", "1.30", "--set", "agents.collector.enabled=true"]
    words += ["--set", "agents.collector.configuration=configMap"]
    assert list(yaml.safe_load_all(run(*words, stdin=WORKLOADS).stdout))[-1]["data"]["unused"] == "not mounted\r\n"


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def test_values_change_what_they_say(tmp_path: Path) -> None:
    folder = next(folder for folder in FOLDERS if folder.name == "log-collector")
    words = ["--templates", str(folder / "expected"), "--cluster-version", "1.30", "--set", "agents.collector.enabled=true"]
    words += [
        "--set",
        "agents.collector.image.tag=v5,agents.collector.args={-x},agents.collector.shared.varlog.mountPath=/logs",
    ]
    words += [
        "--set",
        "agents.collector.env.GREETING=null,agents.collector.env.MORE=yes,agents.collector.resources.limits.cpu=1",
    ]
    done = run(*words, stdin=WORKLOADS)
    assert done.status == 0, done.stderr
    pod = next(iter(yaml.safe_load_all(done.stdout)))["spec"]["template"]["spec"]
    agent = pod["initContainers"][0]
    assert agent["image"] == "registry.example.com:5000/logs/collector:v5"
    assert agent["args"] == ["-x"]
    assert [entry["name"] for entry in agent["env"]] == ["NODE", "EMPTY", "MORE"]
    assert agent["resources"]["limits"] == {"cpu": 1, "memory": "128Mi"}
    assert pod["containers"][0]["volumeMounts"] == [{"name": "logs-varlog", "mountPath": "/logs"}]


def test_a_value_that_there_is_not_is_named() -> None:
    folder = next(folder for folder in FOLDERS if folder.name == "log-collector")
    words = ["--templates", str(folder / "expected"), "--cluster-version", "1.30", "--set", "agents.collector.enabled=true"]
    done = run(*words, "--set", "agents.collector.arg={-x}", stdin=WORKLOADS)
    assert done.status == 1
    assert 'unknown key "arg"; did you mean "args"?' in done.stderr


def test_agents_of_one_daemon_set_share_its_volumes(tmp_path: Path) -> None:
    file = next(folder for folder in FOLDERS if folder.name == "apm-of-three-containers") / "input.yaml"
    for container in ("agent", "tracer"):
        words = ("--container", container, "--output-dir", str(tmp_path / "agents"))
        assert run("from-daemonset", str(file), *words).status == 0
    words = ("--templates", str(tmp_path / "agents"), "--cluster-version", "1.30")
    done = run(*words, "--set", "agents.agent.enabled=true,agents.tracer.enabled=true", stdin=WORKLOADS)
    assert done.status == 0, done.stderr
    pod = next(iter(yaml.safe_load_all(done.stdout)))["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == ["apm-config", "apm-token", "apm-socket", "apm-state"]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "apm-socket", "mountPath": "/var/run/apm"}]
    assert [one["name"] for one in pod["initContainers"]] == ["agent-init", "agent", "tracer"]


DAEMON_SET = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n"
CONTAINER = "      containers: [{name: one, image: 'one:1'}]\n"
REFUSED = [
    pytest.param("", (), 2, "holds no DaemonSet", id="nothing"),
    pytest.param("a: [", (), 1, ":1:", id="no YAML"),
    pytest.param(f"{DAEMON_SET}      containers: []\n", (), 1, "input.yaml:7:19: spec.template.spec.cont", id="no container"),
    pytest.param(f"{DAEMON_SET}      containers: [{{name: x}}]\n", (), 1, 'the key "image" is missing', id="no image"),
    pytest.param(
        f"{DAEMON_SET}{CONTAINER}      volumes: {{a: b}}\n",
        (),
        1,
        "input.yaml:8:16: spec.template.spec.volumes: must be a list, but is a mapping",
        id="a wrong type",
    ),
    pytest.param(
        f"{DAEMON_SET}{CONTAINER}---\n{DAEMON_SET.replace('name: a', 'name: b')}{CONTAINER}",
        (),
        2,
        "holds several DaemonSets: a, b; choose one with --daemonset NAME",
        id="several",
    ),
    pytest.param(f"{DAEMON_SET}{CONTAINER}", ("--daemonset", "aa"), 2, 'no DaemonSet "aa"; did you mean "a"?', id="wrong name"),
    pytest.param(
        f"{DAEMON_SET}      containers: [{{name: one, image: x}}, {{name: two, image: x}}]\n",
        (),
        2,
        "has several containers: one, two; an agent is one container, so choose one with --container NAME",
        id="several containers",
    ),
    pytest.param(f"{DAEMON_SET}{CONTAINER}", ("--container", "on"), 2, 'did you mean "one"?', id="a wrong container"),
    pytest.param(f"{DAEMON_SET}{CONTAINER}", ("--name", "A b"), 2, "an agent's name is made of", id="a wrong agent"),
    pytest.param(f"{DAEMON_SET}      os: {{name: windows}}\n{CONTAINER}", (), 1, "is for Windows nodes", id="Windows"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words", "status", "message"), REFUSED)
def test_what_cannot_be_is_refused_with_nothing_written(
    tmp_path: Path, text: str, words: tuple[str, ...], status: int, message: str
) -> None:
    (tmp_path / "input.yaml").write_text(text)
    done = run("from-daemonset", str(tmp_path / "input.yaml"), "--output-dir", str(tmp_path / "agents"), *words)
    assert (done.status, done.stdout) == (status, b""), done
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "agents").exists()


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(below for step, child in steps for below in paths(child, (*path, step)))]


@given(data=st.data())
def test_a_wrong_type_anywhere_is_refused_or_taken_but_no_surprise(data: st.DataObject) -> None:
    folder = data.draw(st.sampled_from(FOLDERS))
    given_documents = documents(folder / "input.yaml")
    path = data.draw(st.sampled_from(paths(given_documents)[1:]))
    node: Any = given_documents
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = data.draw(st.sampled_from(["x", 1, True, [], {}, None, ["x"], {"x": "y"}, [{"name": "n"}]]))
    with TemporaryDirectory() as output:
        words = ("from-daemonset", "-", "--output-dir", f"{output}/agents", *options(folder))
        done = run(*words, stdin=yaml.safe_dump_all(given_documents))
        assert "a bug of" not in done.stderr, done.stderr
        assert (done.status == 0) == Path(output, "agents").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "mine").write_text("x")
    done = run("from-daemonset", "-", "--output-dir", str(tmp_path), stdin=DAEMON_SET + CONTAINER)
    assert done.status == 2
    assert "is there already, and nothing is written over" in done.stderr
    assert texts(tmp_path) == {"one/mine": "x"}


def test_a_file_that_cannot_be_read_is_bad_usage() -> None:
    assert run("from-daemonset", "/nowhere/at.yaml").status == 2


@pytest.mark.parametrize(
    ("path", "kind", "read_only", "text", "found"),
    [
        ("/var/log", "", True, "", LOGS),
        ("/var/log/pods/", "", False, "", LOGS),
        ("/var/lib/docker/containers", "", True, "", NODE),
        ("/var/logs", "", True, "", NODE),
        ("/var/run/agent", "DirectoryOrCreate", False, "unix:///run/a/x.sock", EXCHANGE),
        ("/var/run/agent", "DirectoryOrCreate", False, "unix:///run/b/x.sock", STATE),
        ("/var/run/agent", "DirectoryOrCreate", True, "unix:///run/a/x.sock", NODE),
        ("/var/lib/agent", "", False, "", STATE),
        ("/var/lib/kubelet/pods", "", False, "", NODE),
        ("/run/containerd/containerd.sock", "", False, "", NODE),
        ("/var/run", "", False, "", NODE),
        ("/etc/machine-id", "File", False, "", NODE),
        ("/", "", True, "", NODE),
        ("", "", True, "", NODE),
    ],
)
def test_what_becomes_of_a_path_of_the_node(path: str, kind: str, read_only: bool, text: str, found: str) -> None:
    volume = {"name": "v", "hostPath": {"path": path, "type": kind}}
    assert host_path_of(volume, [{"mountPath": "/run/a", "readOnly": read_only}], [text]).kind == found


@pytest.mark.parametrize(
    ("context", "pod_context", "kept", "left_out"),
    [
        ({}, {}, {}, []),
        ({"runAsUser": 1}, {"runAsUser": 2, "runAsGroup": 3, "fsGroup": 4}, {"runAsUser": 1, "runAsGroup": 3}, []),
        ({"privileged": True}, {}, {}, ["privileged: true"]),
        ({"privileged": False}, {}, {}, []),
        (
            {"capabilities": {"add": ["NET_ADMIN", "CAP_CHOWN"], "drop": ["ALL"]}},
            {},
            {"capabilities": {"add": ["CAP_CHOWN"], "drop": ["ALL"]}},
            ["the capabilities NET_ADMIN"],
        ),
        ({"capabilities": {"add": ["BPF"]}}, {}, {}, ["the capabilities BPF"]),
        ({"seccompProfile": {"type": "RuntimeDefault"}}, {}, {"seccompProfile": {"type": "RuntimeDefault"}}, []),
        ({"appArmorProfile": {"type": "Unconfined"}}, {}, {}, ["appArmorProfile of type Unconfined"]),
        ({"procMount": "Unmasked"}, {}, {}, ["procMount: Unmasked"]),
    ],
)
def test_rights_on_the_node(
    context: dict[str, Any], pod_context: dict[str, Any], kept: dict[str, Any], left_out: list[str]
) -> None:
    assert without_node_rights(context, pod_context) == (kept, left_out)


WITHOUT_TEXT = [("data: {}", "has no text"), ("binaryData: {a: AAA=}", "has binaryData (a)")]


@pytest.mark.parametrize(("content", "reason"), WITHOUT_TEXT)
def test_a_config_map_without_text_is_still_referred_to(tmp_path: Path, content: str, reason: str) -> None:
    mounts = "volumeMounts: [{name: c, mountPath: /c}]"
    text = f"{DAEMON_SET}      containers: [{{name: one, image: x, {mounts}}}]\n"
    text += "      volumes: [{name: c, configMap: {name: m}}]\n"
    text += f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\n{content}\n"
    done = run("from-daemonset", "-", "--output-dir", str(tmp_path), stdin=text)
    assert done.status == 0, done.stderr
    assert f"the ConfigMap m {reason}" in done.stderr
    assert "configMap:\n    name: m\n" in (tmp_path / "one" / "agent.yaml.j2").read_text()

"""Bad and odd ResourceLists, damaged markers, injections edited by hand, and clashes with what the pod has."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.support.command import SETTINGS, handles, inject, load, refused, refuses, run

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: p
spec:
  containers:
  - name: app
    image: app:1
"""
CONFIG = (
    'functionConfig:\n  apiVersion: sidecar-plugin.dev/v1alpha1\n  kind: SidecarInjection\n  spec: {clusterVersion: "1.30"}\n'
)
LIST = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
ITEMS = "items:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - name: app\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{LIST}{ITEMS}{CONFIG}", id="plain"),
        pytest.param(f"{LIST}{CONFIG}{ITEMS}"[:-1], id="no line end"),
        pytest.param(f"{LIST}{ITEMS}{CONFIG}".replace("\n", "\r\n"), id="CRLF"),
        pytest.param(f"\ufeff{LIST}{ITEMS}{CONFIG}", id="byte order mark"),
        pytest.param(f"# c\n---\n{LIST}{ITEMS}{CONFIG}", id="a comment of its own document before"),
        pytest.param(f"{LIST}{ITEMS}{CONFIG}---\n", id="--- behind"),
        pytest.param(f"{LIST}{ITEMS}{CONFIG}results: []\n", id="results, empty"),
        pytest.param(f"{LIST}{ITEMS}{CONFIG}results:\n- message: x\n", id="results of a function before"),
        pytest.param(f"{LIST}{ITEMS}functionConfig: null\n", id="functionConfig null"),
        pytest.param(f"{LIST}{ITEMS}", id="functionConfig missing"),
        pytest.param(f"{LIST}{ITEMS}{CONFIG}".replace(" ResourceList", r' "ResourceL\x69st"'), id="kind with an escape"),
    ],
)
def test_an_odd_resource_list_is_handled(text: str) -> None:
    handles(text)


@pytest.mark.parametrize("items", ["", "items:\n", "items: []\n", "items: ~\n"])
def test_a_resource_list_of_nothing_stays(items: str) -> None:
    text = f"{LIST}{items}{CONFIG}"
    assert inject(text)[:2] == (0, text.encode())


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param(
            f"{ITEMS}functionConfig: text\n", "9:17", "functionConfig: must be a SidecarInjection", id="config a string"
        ),
        pytest.param(f"{ITEMS}functionConfig: []\n", "9:17", "functionConfig: must be a SidecarInjection", id="config a list"),
        pytest.param(
            f"{ITEMS}functionConfig: {{kind: X}}\n", "9:17", 'SidecarInjection, but is of "X"', id="config of another kind"
        ),
        pytest.param(
            f"{ITEMS}{CONFIG}".replace("v1alpha1", "v9"), "10:15", "knows sidecar-plugin.dev/v1alpha1 only", id="version"
        ),
        pytest.param(
            f"{ITEMS}{CONFIG}".replace("cluster", "clutser"), "12:10", 'did you mean "clusterVersion"', id="a wrong key"
        ),
        pytest.param(f"items: {{}}\n{CONFIG}", "3:8", "items: must be a list", id="items a mapping"),
        pytest.param(f"items: text\n{CONFIG}", "3:8", "items: must be a list", id="items a string"),
        pytest.param(f"{ITEMS}items: []\n{CONFIG}", "9:1", "stands twice", id="items twice"),
        pytest.param(f"{ITEMS}{CONFIG}functionConfig: null\n", "13:1", "stands twice", id="functionConfig twice"),
        pytest.param(f"{ITEMS.replace('name: app', '7')}{CONFIG}", "8:7", "items[0].spec.containers[0]", id="a wrong item"),
    ],
)
def test_a_bad_resource_list_is_refused_in_its_results_too(text: str, place: str, message: str) -> None:
    done = inject(f"{LIST}{text}")
    assert (done.status, done.stderr.count("\n")) == (1, 1), done
    assert done.stderr.startswith(f"sidecar-plugin: error: <stdin>:{place}: ")
    assert message in done.stderr
    (result,) = load(done.stdout.decode())[0]["results"]
    assert result["severity"] == "error"
    field = result.get("field", {}).get("path", "")
    assert message in f"{field}: {result['message']}"  # as kpt shows the two


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param(f"{ITEMS}{CONFIG}x: [\n", "14:1", "not YAML", id="not YAML"),
        pytest.param(f"{ITEMS}{CONFIG}---\na: b\n", "13:1", "must be the only document", id="a document behind it"),
    ],
)
def test_a_resource_list_that_cannot_carry_results_is_refused(text: str, place: str, message: str) -> None:
    refuses(f"{LIST}{text}", place, message)


INJECTED = inject(POD).stdout.decode()
MARKER: dict[str, Any] = json.loads(re.findall("injected: '(.*)'", INJECTED)[0])


DAMAGED = {
    "empty": "",
    "no JSON": "'{nope'",
    "a JSON list": "'[]'",
    "a JSON number": "'1'",
    "no version": "'{}'",
    "very deep": f"'{'[' * 5_000}'",
    "a YAML list": "[]",
    "a YAML mapping": "{a: b}",
}
DAMAGED |= {
    f"{key} {json.dumps(wrong)}": f"'{json.dumps({**MARKER, key: wrong})}'"
    for key, wrongs in {
        "version": (2, "1"),
        "agents": (None, 5, "x", [1]),
        "added": (None, 5, [], {"spec.volumes": 5}, {"spec.volumes": [5]}, {"spec": ["containers"]}, {"metadata": ["name"]}),
        "created": (None, 5, [1], {}),
        "nulls": (None, 5, [1], {}),
    }.items()
    for wrong in wrongs
}


@pytest.mark.parametrize("value", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_marker_is_refused_by_inject_and_uninject(value: str) -> None:
    text = re.sub("injected: '.*'", lambda _: f"injected: {value}", INJECTED)
    refuses(text, "9", "the annotation sidecar-plugin.dev/injected ")
    refused(run("uninject", "-", stdin=text), "<stdin>:9", "the annotation sidecar-plugin.dev/injected ")


VOLUMES = "  volumes:\n  - name: shared\n    emptyDir: {}\n"


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        pytest.param(
            "    - name: AGENT\n", "    - name: X\n    - name: AGENT\n", "    env:\n    - name: X\n", id="env added before"
        ),
        pytest.param(
            '      value: "on"\n', '      value: "on"\n    - name: X\n', "    env:\n    - name: X\n", id="env added behind"
        ),
        pytest.param('    env:\n    - name: AGENT\n      value: "on"\n', "", "", id="env removed"),
        pytest.param(VOLUMES, f"{VOLUMES}  - name: x\n", "  volumes:\n  - name: x\n", id="a volume added"),
        pytest.param(VOLUMES, "", "", id="the volumes removed"),
        pytest.param(VOLUMES, "  volumes: [{name: shared, emptyDir: {}}]\n", "", id="the volumes in flow style"),
        pytest.param("image: agent:1", "image: agent:2", "", id="the agent's image changed"),
        pytest.param('agent: "yes"', 'agent: "no"', "", id="the annotation changed"),
        pytest.param('    agent: "yes"\n', "", "", id="the annotation removed"),
        pytest.param("    by: agent\n", "    by: agent\n    x: y\n", "  labels:\n    x: y\n", id="a label added"),
    ],
)
def test_what_was_edited_by_hand_since_stays_and_the_rest_goes(old: str, new: str, left: str) -> None:
    assert old in INJECTED
    text = INJECTED.replace(old, new)
    taken_out = run("uninject", "-", stdin=text)
    assert taken_out.status == 0, taken_out.stderr
    assert taken_out.stdout.decode().replace(left, "") == POD
    assert left in taken_out.stdout.decode()
    assert inject(text).stdout == inject(taken_out.stdout).stdout


@pytest.mark.parametrize(
    "dump",
    [lambda data: json.dumps(data, indent=1), yaml.safe_dump, lambda data: yaml.safe_dump(data, width=50)],
    ids=["JSON", "YAML", "narrow"],
)
def test_an_injection_that_a_tool_has_reprinted_can_be_taken_out(dump: Any) -> None:
    taken_out = run("uninject", "-", stdin=dump(yaml.safe_load(INJECTED)))
    assert load(taken_out.stdout.decode()) == load(POD)


MOUNTS = "    volumeMounts:\n    - name: {}\n      mountPath: {}\n"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param(POD.replace("name: app", "name: agent"), "7:5", 'a container "agent" (containers)', id="container"),
        pytest.param(
            f"{POD}  initContainers:\n  - name: agent\n", "10:5", 'container "agent" (initContainers)', id="init container"
        ),
        pytest.param(
            f"{POD}  ephemeralContainers: [{{name: agent}}]\n", "9:25", "(ephemeralContainers)", id="ephemeral container"
        ),
        pytest.param(f"{POD}  volumes:\n  - name: shared\n", "10:5", 'a volume "shared"', id="volume"),
        pytest.param(POD + MOUNTS.format("x", "/shared"), "10:7", 'container "app" has a mount at /shared', id="mount path"),
        pytest.param(POD + MOUNTS.format("x", "/shared/"), "10:7", "has a mount at /shared/", id="mount path with a slash"),
        pytest.param(POD.replace("  name: p", "  labels: {by: me}"), "4:12", 'label "by" with another value', id="label"),
        pytest.param(POD.replace("  name: p", "  annotations: {agent: x}"), "4:17", 'annotation "agent"', id="annotation"),
    ],
)
def test_a_clash_is_refused_and_names_both_sides(text: str, place: str, message: str) -> None:
    refuses(text, place, message)
    assert "the agent agent" in inject(text).stderr


@pytest.mark.parametrize("value", ["value: mine", 'valueFrom: {fieldRef: {fieldPath: "x"}}'])
def test_a_variable_that_the_container_sets_is_kept_with_a_warning(value: str) -> None:
    done = inject(f"{POD}    env:\n    - name: AGENT\n      {value}\n")
    assert done.status == 0
    warning = (
        'sidecar-plugin: warning: <stdin>:10:7: the container "app" sets AGENT itself; its value stays, not that of the agent'
    )
    assert warning in done.stderr
    assert done.stdout.decode().count("AGENT\n") == 1
    strict = run(*SETTINGS, "--strict", stdin=f"{POD}    env:\n    - name: AGENT\n      {value}\n")
    refused(strict, "<stdin>:10:7", "--strict makes it an error")


STDOUT = (
    "container: {name: log, image: i, volumeMounts: [{name: out, mountPath: /out}]}\n"
    "volumes: [{name: out, emptyDir: {medium: Stdout}}]\n"
)


def test_an_existing_stdout_volume_is_shared() -> None:
    text = f"{POD}  volumes:\n  - name: mine\n    emptyDir: {{medium: Stdout}}\n"
    done = run(
        "--cluster-version=1.30",
        "--set",
        "agents.log.enabled=true",
        "--set",
        f"agents.log.template={_escaped(STDOUT)}",
        stdin=text,
    )
    assert done.status == 0, done.stderr
    (pod,) = load(done.stdout.decode())
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["mine"]
    assert pod["spec"]["initContainers"][0]["volumeMounts"] == [{"name": "mine", "mountPath": "/out"}]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,")

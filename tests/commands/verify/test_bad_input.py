"""What verify cannot judge is an error with the file, the field and the remedy, and nothing on stdout."""

import json
from typing import Any

import pytest

from tests.support.command import run

POD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "agent", "restartPolicy": "Always"}]},
    "status": {},
}


def pod(part: str, **values: Any) -> dict[str, Any]:
    return {**POD, part: {**POD[part], **values}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "",
            "<stdin>: this is no JSON (Expecting value: line 1 column 1 (char 0)); write it with `kubectl get pods,jobs",
        ),
        ("kind: Pod\n", "<stdin>: this is no JSON"),
        (b"\xff\xfe\xfd", "<stdin>: this is no JSON"),
        ("[" * 100_000, "<stdin>: this is no JSON"),
        ([], "<stdin>: a List, a Pod or a Job is wanted"),
        ({"kind": "Deployment"}, "<stdin>: a List, a Pod or a Job is wanted"),
        ({"kind": "List"}, '<stdin>: the key "items" is missing'),
        ({"kind": "List", "items": [{}]}, '<stdin>: items[0]: the key "kind" is missing'),
        ({"kind": "List", "items": [3]}, "<stdin>: items[0]: must be a mapping, but is the number 3"),
        ({"kind": "List", "items": []}, "<stdin>: none of the pods and Jobs has a sidecar"),
        ({"kind": "Pod"}, '<stdin>: the key "metadata" is missing'),
        (pod("spec", containers="x"), '<stdin>: spec.containers: must be a list, but is the string "x"'),
        (pod("spec", initContainers=[]), "<stdin>: none of the pods and Jobs has a sidecar"),
        (
            {"kind": "List", "items": [POD, pod("status", initContainerStatuses=[{"name": "agent", "restartCount": "2"}])]},
            '<stdin>: items[1].status.initContainerStatuses[0].restartCount: must be a whole number, but is the string "2"',
        ),
        (
            pod("status", initContainerStatuses=[{"name": "agent", "state": {"running": {"startedAt": "now"}}}]),
            "<stdin>: status.initContainerStatuses[0].state.running.startedAt: ",
        ),
    ],
)
def test_input_that_cannot_be_judged(given: Any, message: str) -> None:
    done = run("verify", "-", stdin=given if isinstance(given, (str, bytes)) else json.dumps(given))
    assert (done.status, done.stdout) == (1, b""), done
    assert done.stderr.startswith(f"sidecar-plugin: error: {message}"), done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["/nowhere.json"], 1, "/nowhere.json: cannot be read: No such file or directory"),
        (["-", "--wait", "10s"], 2, "--wait is for kubectl, and with a FILE none is run"),
        (["-", "-n", "shop"], 2, "--namespace is for kubectl"),
        (["--wait", "soon"], 2, "--wait takes a duration such as 120s, 5m or 1h30m, not 'soon'"),
        (["--wait", ""], 2, "--wait takes a duration"),
        (["-n", "shop", "-A"], 2, "--namespace and --all-namespaces contradict each other"),
        (["--output", "yaml"], 2, "argument --output/-o"),
        (["-", "--cluster-version", "1.3"], 1, "--cluster-version: 1.3 is no version that a cluster reports"),
        (
            ["--kubectl", "/no/kubectl"],
            1,
            "/no/kubectl cannot be run (No such file or directory); name it with --kubectl, or "
            "hand over what it prints elsewhere: `kubectl get pods,jobs -o json | sidecar-plugin verify -`\n",
        ),
        (
            ["--plan", "--kubectl", "/no/kubectl"],
            1,
            "/no/kubectl cannot be run (No such file or directory); name it with --kubectl\n",
        ),
        (["--kubectl", "false"], 1, "`false version -o json` ended with 1: "),
        (["--kubectl", "true"], 1, "`true version -o json` tells no serverVersion; give --cluster-version"),
    ],
)
def test_a_command_line_that_cannot_be_done(words: list[str], status: int, message: str) -> None:
    done = run("verify", *words, stdin=json.dumps(POD))
    assert (done.status, done.stdout) == (status, b""), done
    assert done.stderr.startswith(f"sidecar-plugin: error: {message}"), done.stderr
    assert done.stderr.count("\n") == 1

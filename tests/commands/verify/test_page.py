"""`verify --timeline` and `--html`: the page stands alone, shows each pod, and nothing in it is what a pod's author wrote."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.commands.verify.test_verdicts import CASES, UPDATE, name, options
from tests.support.command import run
from tests.support.html_page import Page

_SINCE = "2026-01-01T00:00:00Z"
RECORDED = Path(__file__).parent / "recorded"


def written(source: str, folder: Path, *words: str) -> Page:
    file = folder / "page.html"
    done = run("verify", "-", "--html", str(file), *words, stdin=source)
    assert done.stderr == ""
    return Page(file.read_text())


def pod(name: str, agent: str = "agent", **state: Any) -> dict[str, Any]:
    statuses = [
        {"name": each, "restartCount": 0, "started": True, "state": state or {"running": {"startedAt": _SINCE}}}
        for each in (agent, "app")
    ]
    native = {"name": agent, "restartPolicy": "Always"}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"initContainers": [native], "containers": [{"name": "app"}]},
        "status": {"phase": "Running", "initContainerStatuses": statuses[:1], "containerStatuses": statuses[1:]},
    }


def as_list(*pods: dict[str, Any]) -> str:
    return json.dumps({"kind": "List", "items": list(pods)})


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_page_shows_each_pod_and_what_failed(case: Path, tmp_path: Path) -> None:
    source = (case / "input.json").read_text()
    report = json.loads(run("verify", "-", *options(case), "--output=json", stdin=source).stdout)
    page = written(source, tmp_path, *options(case))
    pods = {(each["namespace"], each["pod"]) for each in report["agents"]}
    failed = {(each["namespace"], each["pod"]) for each in report["agents"] if each["verdict"] == "failed"}
    assert page.elements.get("svg", 0) == len(pods)
    assert page.attributes.count(("class", "failed")) == len(failed)
    for each in report["agents"]:
        if each["verdict"] == "failed":
            assert all(message in page.said for message in each["messages"])


@pytest.mark.parametrize("number", [1, 50, 1000])
def test_a_page_stands_alone(tmp_path: Path, number: int) -> None:
    page = written(as_list(*(pod(f"web-{index}") for index in range(number))), tmp_path)
    assert page.elements["svg"] == number
    assert not {"script", "link", "img", "iframe"} & page.elements.keys()
    text = (tmp_path / "page.html").read_text()
    assert not re.search(r"https?://|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '" onload="x', "a\x1b[31mb", "a\u202eb", "&amp;", "a\nb"])
def test_a_name_is_text_and_nothing_else(tmp_path: Path, evil: str) -> None:
    page = written(as_list(pod(evil, evil)), tmp_path)
    assert "script" not in page.elements
    assert not [key for key, _ in page.attributes if key.startswith("on")]
    raw = (tmp_path / "page.html").read_text()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", raw)
    drawn = run("verify", "-", "--timeline", stdin=as_list(pod(evil, evil))).stdout.decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", drawn)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"running": {"startedAt": "2026-02-31T99:00:00Z"}}, id="a day that is none"),
        pytest.param({"waiting": {"reason": "ImagePullBackOff"}}, id="nothing has started"),
        pytest.param({"terminated": {"exitCode": 0, "startedAt": _SINCE, "finishedAt": _SINCE}}, id="all in one second"),
        pytest.param(
            {"terminated": {"exitCode": 0, "startedAt": _SINCE, "finishedAt": "2025-01-01T00:00:00Z"}}, id="ended first"
        ),
        pytest.param({}, id="no state"),
    ],
)
def test_odd_times_are_drawn_somehow(tmp_path: Path, state: dict[str, Any]) -> None:
    source = as_list(pod("web", **state))
    assert written(source, tmp_path).elements["svg"] == 1
    assert "shop/web  " in run("verify", "-", "--timeline", stdin=source).stdout.decode()


def test_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    done = run("verify", "-", "--timeline", "--output=json", stdin=as_list(pod("web")))
    assert (done.status, done.stdout) == (2, b"")
    assert "--html FILE" in done.stderr
    missing = run("verify", "-", "--html", str(tmp_path), stdin=as_list(pod("web")))
    assert (missing.status, missing.stdout) == (2, b"")


PICTURES = Path(__file__).parents[3] / "docs" / "pictures" / "verify.html"
PICTURED = (
    "a-job-that-completes",
    "a-regular-sidecar-in-a-job",
    "a-pod-that-was-evicted",
    "an-agent-that-failed-and-was-restarted",
)
"""The recorded pods that the document shows."""


def test_the_page_in_the_documents_is_what_a_real_nodes_pods_give(tmp_path: Path) -> None:
    """`UPDATE_CASES=1 pytest tests/commands/verify` writes it anew."""
    recorded = (json.loads((RECORDED / case / "input.json").read_text())["items"] for case in PICTURED)
    pods = json.dumps({"apiVersion": "v1", "kind": "List", "items": [item for items in recorded for item in items]})
    file = tmp_path / "page.html"
    run("verify", "-", "--html", str(file), stdin=pods)
    if UPDATE:
        PICTURES.parent.mkdir(exist_ok=True)
        PICTURES.write_bytes(file.read_bytes())
    assert PICTURES.read_text() == file.read_text()

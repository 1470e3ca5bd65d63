"""The verdict on a pod for every phase × reason × restart policy × state of the agent × state of the application × declaration.

ROWS is the table. A cell is decided by the first row that takes it; "cannot happen" names the rule of Kubernetes by
which no pod is so (`getPhase` in pkg/kubelet/kubelet_pods.go; KEP-753 for native sidecars). The test makes the product
of AXES: no cell is left out. One that no row takes, and a row that takes none, fail.
"""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest

from sidecar_plugin.commands.verify.status import read
from sidecar_plugin.commands.verify.verdicts import judge
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion
from sidecar_plugin.kubernetes.declarations import DECLARATIONS

AXES = {
    "phase": ("Pending", "Running", "Succeeded", "Failed", "Unknown"),
    "reason": ("-", "Evicted", "OutOfcpu", "DeadlineExceeded"),
    "policy": ("Always", "OnFailure", "Never"),
    "agent": ("unseen", "creating", "no image", "crashing", "probing", "runs", "exit 0", "exit 1"),
    "application": ("unseen", "waits", "runs", "exit 0", "exit 1"),
    "declaration": (
        *(name for name in DECLARATIONS if name != "acs"),
        "acs up to 1.28",
        "acs from 1.29",
        "stripped",  # injected native, an ordinary init container now
        "missing",  # injected, and not in the pod
    ),
}
OVER = ("Succeeded", "Failed")
ENDED = ("exit 0", "exit 1")
NOT_STARTED = ("unseen", "creating", "no image")
STARTED = ("crashing", "probing", "runs", *ENDED)
ALL_STARTED = "getPhase: a pod is Pending while a container waits for its first start, and Running when none does"
ALL_ENDED = "getPhase: a pod is Succeeded or Failed when no container runs"


class Row(NamedTuple):
    """What a cell must be, an axis that is not named can be anything; the verdict, and why."""

    where: dict[str, str | tuple[str, ...]]
    verdict: str
    why: str

    def takes(self, cell: dict[str, str]) -> bool:
        return all(cell[axis] in ((wanted,) if isinstance(wanted, str) else wanted) for axis, wanted in self.where.items())


def row(verdict: str, why: str, **where: str | tuple[str, ...]) -> Row:
    return Row(where, verdict, why)


CANNOT = "cannot happen"
REASONS = tuple(reason for reason in AXES["reason"] if reason != "-")
ROWS = (
    row("failed", "something took the agent out of the pod", declaration="missing"),
    row("failed", "restartPolicy was dropped: the application waits for ever", declaration="stripped"),
    # --- no pod is so
    row(
        CANNOT,
        "the reason of a pod is that of its failure",
        reason=REASONS,
        phase=("Pending", "Running", "Succeeded", "Unknown"),
    ),
    row("failed", "the pod failed as a whole", phase="Failed", reason=REASONS),
    row(CANNOT, ALL_ENDED, phase=OVER, application="runs"),
    row(CANNOT, ALL_ENDED, phase=OVER, agent=("probing", "runs")),
    row(
        CANNOT,
        "getPhase: Succeeded needs exit code 0 of every container",
        phase="Succeeded",
        application=("unseen", "waits", "exit 1"),
    ),
    row(
        CANNOT,
        "KEP-753: the application starts after the sidecar",
        phase="Pending",
        declaration="native",
        application=("runs", *ENDED),
    ),
    row(CANNOT, ALL_STARTED, phase="Pending", agent=STARTED, application=("runs", *ENDED)),
    row(CANNOT, ALL_STARTED, phase="Running", agent=NOT_STARTED),
    row(CANNOT, ALL_STARTED, phase="Running", application=("unseen", "waits")),
    row(
        CANNOT,
        "getPhase: with Never a pod whose containers have ended is over",
        phase="Running",
        policy="Never",
        agent=ENDED,
        application=ENDED,
    ),
    row(
        CANNOT,
        "getPhase: with OnFailure too, all with 0",
        phase="Running",
        policy="OnFailure",
        agent="exit 0",
        application="exit 0",
    ),
    # --- the application never ran
    row("failed", "the pod is over and the application never started", phase=OVER, application=("unseen", "waits")),
    row("failed", "the pod is over and the agent never started", phase=OVER, agent=NOT_STARTED),
    # --- the agent cannot start, or ends while the application runs
    row("failed", "the agent cannot be started", agent=("no image", "crashing")),
    row(
        "unclear",
        "the known limit: the status may be that of an earlier try",
        declaration="acs from 1.29",
        agent="exit 1",
        application="runs",
        policy=("OnFailure", "Never"),
    ),
    row("failed", "the agent ended while the application runs", agent=ENDED, application="runs"),
    # --- the application is over
    row(
        "ok", "KEP-753: exit codes of sidecars do not count when the pod ends", phase=OVER, declaration="native", agent="exit 1"
    ),
    row("failed", "the agent did not end with 0", phase=OVER, agent="exit 1"),
    row("ok", "the agent did what it had to", phase=OVER),
    row(
        "failed",
        "a plain container keeps the pod from completing",
        phase=("Running", "Unknown"),
        policy="Never",
        declaration="regular",
        agent=("probing", "runs"),
        application=ENDED,
    ),
    row(
        "failed",
        "the same",
        phase=("Running", "Unknown"),
        policy="OnFailure",
        declaration="regular",
        agent=("probing", "runs"),
        application="exit 0",
    ),
    row(
        "waiting",
        "KEP-753: exit codes of sidecars do not count",
        policy=("Never", "OnFailure"),
        declaration="native",
        agent="exit 1",
        application=ENDED,
    ),
    row("failed", "the agent did not end with 0", policy="Never", agent="exit 1", application=ENDED),
    row("failed", "the same", policy="OnFailure", agent="exit 1", application="exit 0"),
    # --- not over yet
    row("waiting", "the pod starts", phase="Pending"),
    row("waiting", "nobody knows how the pod is", phase="Unknown"),
    row("waiting", "the startup probe has not passed yet", declaration="native", agent="probing"),
    row("waiting", "the pod runs to completion, and is not over", policy=("Never", "OnFailure")),
    row("waiting", "the application is started again", application=ENDED),
    row("ok", "all runs", phase="Running", policy="Always", agent=("probing", "runs"), application="runs"),
)
STARTS = {"agent": "2026-01-01T08:00:01Z", "application": "2026-01-01T08:00:02Z"}
ENDS = {"agent": "2026-01-01T08:00:09Z", "application": "2026-01-01T08:00:08Z"}


def status(name: str, role: str, state: str) -> dict[str, Any]:
    """Return a container's status as the API writes it."""
    running = {"running": {"startedAt": STARTS[role]}}
    waiting = {
        "creating": "ContainerCreating",
        "waits": "PodInitializing",
        "no image": "ImagePullBackOff",
        "crashing": "CrashLoopBackOff",
    }
    if state in waiting:
        shown: dict[str, Any] = {"waiting": {"reason": waiting[state]}}
    elif state in ENDED:
        shown = {"terminated": {"exitCode": int(state[-1]), "startedAt": STARTS[role], "finishedAt": ENDS[role]}}
    else:
        shown = running
    restarts = 3 if state == "crashing" else 0
    return {"name": name, "restartCount": restarts, "started": state == "runs", "state": shown}


def pod(cell: dict[str, str]) -> dict[str, Any]:
    """Return the pod of a cell, as `kubectl get pod -o json` shows it."""
    declaration = cell["declaration"].split()[0]
    promised = "native" if declaration in ("stripped", "missing") else declaration
    marker = {"version": 1, "agents": {"agent": {"declaration": promised, "container": "agent"}}, "added": {}, "created": []}
    annotations = {"sidecar-plugin.dev/injected": json.dumps(marker)}
    container: dict[str, Any] = {"name": "agent"}
    own = DECLARATIONS.get(declaration)
    if own:
        container = own.declare(container)
        annotations |= dict.fromkeys(own.listed_in, "agent")
    list_name = own.list_name if own else "initContainers"
    lists: dict[str, Any] = {"initContainers": [], "containers": [{"name": "application"}]}
    statuses: dict[str, Any] = {"initContainers": [], "containers": []}
    if declaration != "missing":
        lists[list_name].append(container)
        if cell["agent"] != "unseen":
            statuses[list_name].append(status("agent", "agent", cell["agent"]))
    if cell["application"] != "unseen":
        statuses["containers"].append(status("application", "application", cell["application"]))
    shown = {"initContainerStatuses": statuses["initContainers"], "containerStatuses": statuses["containers"]}
    reason = {} if cell["reason"] == "-" else {"reason": cell["reason"], "message": "why"}
    return {
        "kind": "Pod",
        "metadata": {"name": "pod", "annotations": annotations},
        "spec": {**lists, "restartPolicy": cell["policy"]},
        "status": {"phase": cell["phase"], **reason, **shown},
    }


def cells() -> Iterator[dict[str, str]]:
    for values in product(*AXES.values()):
        yield dict(zip(AXES, values, strict=True))


def test_every_cell_is_in_the_table_and_every_row_takes_a_cell() -> None:
    found: Counter[int] = Counter()
    for cell in cells():
        taken = next((index for index, one in enumerate(ROWS) if one.takes(cell)), None)
        assert taken is not None, f"no row takes {cell}"
        found[taken] += 1
    assert [one.why for index, one in enumerate(ROWS) if not found[index]] == []


@pytest.mark.slow
@pytest.mark.parametrize("declaration", AXES["declaration"])
def test_the_verdict_is_that_of_the_table(declaration: str) -> None:
    """A pod that cannot be has any verdict, but for one: verify does not break."""
    version = ClusterVersion(1, 28) if declaration == "acs up to 1.28" else ClusterVersion(1, 30)
    wrong = []
    for cell in cells():
        if cell["declaration"] != declaration:
            continue
        expected = next(one for one in ROWS if one.takes(cell))
        verdicts = judge(*read(json.dumps(pod(cell)), "pod.json"), version)
        assert verdicts.as_text()
        (found,) = verdicts.agents
        if expected.verdict not in (CANNOT, found.verdict):
            wrong.append(f"{cell}: {found.verdict} {found.messages}, not {expected.verdict}: {expected.why}")
    assert wrong == []

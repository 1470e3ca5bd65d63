"""Pods and Jobs as `kubectl get pods,jobs -o json` shows them, reduced to what can be said about their sidecars.

Fields: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (PodStatus, ContainerStatus) and job-v1.
Times stay text: the API writes them all as `2026-01-31T12:00:00Z`, so they compare as text.
"""

import json
from typing import Any, NamedTuple

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.injection.marker import INJECTED
from sidecar_plugin.kubernetes.declarations import recognised
from sidecar_plugin.kubernetes.declarations.protocol import SeenContainer
from sidecar_plugin.runtime.json_schema import Schema

DAMAGED = "damaged"
"""What is found in a pod whose annotation `sidecar-plugin.dev/injected` cannot be read."""


class EarlierRun(NamedTuple):
    """The run of a container before its last restart."""

    started_at: str
    finished_at: str


class Container(NamedTuple):
    """One container's status; `state` is running, waiting, terminated, or "" when the kubelet has not told yet."""

    name: str
    state: str
    started_at: str
    finished_at: str
    exit_code: int | None
    reason: str
    message: str
    restarts: int
    started: bool
    earlier: EarlierRun | None = None


class Agent(NamedTuple):
    """A sidecar of a pod. `promised` is the declaration it was injected with, "" for one that somebody wrote by hand.

    `found` is the declaration in the pod, `regular` for a plain container, `init` for an ordinary init container, `missing` for
    none.
    """

    name: str
    promised: str
    found: str
    container: Container

    @property
    def declaration(self) -> str:
        """The declaration whose promises hold."""
        return self.promised or self.found


class Pod(NamedTuple):
    """A pod with its sidecars and the application's containers.

    `reason` is why the pod failed as a whole (Evicted, OutOfcpu, DeadlineExceeded …), `events` are its warnings, the newest
    last, `initialized_at` says since when it is Initialized.
    """

    namespace: str
    name: str
    job: str
    phase: str
    trouble: str
    reason: str
    events: tuple[str, ...]
    restart_policy: str
    grace_period: int
    initialized_at: str
    agents: tuple[Agent, ...]
    applications: tuple[Container, ...]


class Job(NamedTuple):
    """A Job; `state` is Complete, Failed, Suspended or Running. `sidecars`: whether its pods have any."""

    namespace: str
    name: str
    state: str
    trouble: str
    sidecars: bool


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items}


def _mapping(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_TEXT = {"type": "string"}
_TIME = {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
_STATE = _mapping(startedAt=_TIME, finishedAt=_TIME, exitCode={"type": "integer"}, reason=_TEXT, message=_TEXT)
_STATUS = _mapping(
    "name",
    name=_TEXT,
    restartCount={"type": "integer"},
    started={"type": ["boolean", "null"]},
    state=_mapping(running=_STATE, waiting=_STATE, terminated=_STATE),
    lastState=_mapping(terminated=_STATE),
)
_CONTAINER = _mapping("name", name=_TEXT, restartPolicy=_TEXT, env=_list_of(_mapping("name", name=_TEXT)))
_POD_SPEC = _mapping(
    "containers",
    containers=_list_of(_CONTAINER),
    initContainers=_list_of(_CONTAINER),
    restartPolicy=_TEXT,
    terminationGracePeriodSeconds={"type": ["integer", "null"]},
)
_METADATA = _mapping(
    name=_TEXT,
    namespace=_TEXT,
    annotations={"type": ["object", "null"], "additionalProperties": _TEXT},
    ownerReferences=_list_of(_mapping("kind", "name", kind=_TEXT, name=_TEXT)),
)
_CONDITIONS = _list_of(
    _mapping("type", "status", type=_TEXT, status=_TEXT, lastTransitionTime=_TIME, reason=_TEXT, message=_TEXT)
)
_POD = _mapping(
    "metadata",
    "spec",
    "status",
    metadata=_METADATA,
    spec=_POD_SPEC,
    status=_mapping(
        phase=_TEXT,
        reason=_TEXT,
        message=_TEXT,
        conditions=_CONDITIONS,
        containerStatuses=_list_of(_STATUS),
        initContainerStatuses=_list_of(_STATUS),
    ),
)
_JOB = _mapping(
    "metadata",
    "spec",
    "status",
    metadata=_METADATA,
    spec=_mapping("template", template=_mapping("spec", metadata=_METADATA, spec=_POD_SPEC)),
    status=_mapping(conditions=_CONDITIONS),
)
_SCHEMAS = {
    "Pod": Schema("pods of verify", lambda: _POD),
    "Job": Schema("jobs of verify", lambda: _JOB),
    "List": Schema("lists of verify", lambda: _mapping("items", items=_list_of(_mapping("kind", kind=_TEXT)))),
}


def read(text: str | bytes, file: str) -> tuple[list[Pod], list[Job]]:
    """Return the pods and Jobs of a List, or the one that the text is.

    Raises ManifestError, with the field, for what is no JSON or not as the API writes it.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"this is no JSON ({error}); write it with `kubectl get pods,jobs -o json`"
        raise ManifestError(f"{file}: {message}") from None
    kind = str(data.get("kind", "")) if isinstance(data, dict) else ""
    items = [("", data)]
    if kind.endswith("List"):
        _check("List", data, file, "")
        items = [(f"items[{index}]", item) for index, item in enumerate(data["items"] or ())]
    elif kind not in ("Pod", "Job"):
        raise ManifestError(f"{file}: a List, a Pod or a Job is wanted; write it with `kubectl get pods,jobs -o json`")
    pods: list[Pod] = []
    jobs: list[Job] = []
    events = _events(items)
    for path, item in items:
        if item["kind"] == "Pod":
            _check("Pod", item, file, path)
            name = (item["metadata"].get("namespace", ""), item["metadata"].get("name", ""))
            pods.append(_pod(item, tuple(events.get(name, ()))))
        elif item["kind"] == "Job":
            _check("Job", item, file, path)
            jobs.append(_job(item))
    return pods, jobs


def _events(items: list[tuple[str, dict[str, Any]]]) -> dict[tuple[str, str], list[str]]:
    """Return the warnings of the events among the items by the pod that they are about; a damaged event says nothing."""
    found: dict[tuple[str, str], list[str]] = {}
    for _, item in items:
        about = item.get("involvedObject")
        if item.get("kind") != "Event" or item.get("type") != "Warning" or not isinstance(about, dict):
            continue
        text = ": ".join(str(item[key]) for key in ("reason", "message") if item.get(key))
        found.setdefault((str(about.get("namespace", "")), str(about.get("name", ""))), []).append(text)
    return found


def _check(schema: str, data: Any, file: str, path: str) -> None:
    if problem := _SCHEMAS[schema].problem(data):
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem.path)
        place = (path + steps).lstrip(".")
        raise ManifestError(f"{file}: {place + ': ' if place else ''}{problem.message}")


def _pod(data: dict[str, Any], events: tuple[str, ...]) -> Pod:
    metadata, spec, status = data["metadata"], data["spec"], data["status"]
    statuses = {each["name"]: each for key in ("initContainerStatuses", "containerStatuses") for each in status.get(key) or ()}
    declared = _declared(metadata, spec)
    agents = tuple(
        Agent(name, promised, found, _container(container, statuses)) for name, container, promised, found in declared
    )
    ours = {agent.container.name for agent in agents}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    initialized, scheduled = conditions.get("Initialized", {}), conditions.get("PodScheduled", {})
    trouble = ": ".join(status[key] for key in ("reason", "message") if status.get(key))
    if not trouble and scheduled.get("status") == "False":
        trouble = str(scheduled.get("message") or scheduled.get("reason") or "")
    owners = [owner["name"] for owner in metadata.get("ownerReferences") or () if owner["kind"] == "Job"]
    grace = spec.get("terminationGracePeriodSeconds")
    return Pod(
        namespace=metadata.get("namespace", ""),
        name=metadata.get("name", ""),
        job=owners[0] if owners else "",
        phase=status.get("phase", ""),
        trouble=trouble,
        reason=status.get("reason") or "",
        events=events,
        restart_policy=spec.get("restartPolicy", "Always"),
        grace_period=30 if grace is None else grace,
        initialized_at=initialized.get("lastTransitionTime") or "" if initialized.get("status") == "True" else "",
        agents=agents,
        applications=tuple(_container(each["name"], statuses) for each in spec["containers"] or () if each["name"] not in ours),
    )


def _job(data: dict[str, Any]) -> Job:
    metadata, template = data["metadata"], data["spec"]["template"]
    state, trouble = "Running", ""
    for condition in data["status"].get("conditions") or ():
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed", "Suspended"):
            state = condition["type"]
            trouble = ": ".join(condition[key] for key in ("reason", "message") if condition.get(key))
    sidecars = bool(_declared(template.get("metadata") or {}, template["spec"]))
    return Job(metadata.get("namespace", ""), metadata.get("name", ""), state, trouble, sidecars)


def _declared(metadata: dict[str, Any], spec: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return agent, container, promised and found declaration of each sidecar, the injected ones first."""
    annotations = metadata.get("annotations") or {}
    found: dict[str, str] = {}
    for list_name, undeclared in (("initContainers", "init"), ("containers", "regular")):
        for each in spec.get(list_name) or ():
            variables = {entry["name"]: str(entry["value"]) for entry in each.get("env") or () if "value" in entry}
            seen = SeenContainer(list_name, each["name"], each.get("restartPolicy", ""), variables, annotations)
            found[each["name"]] = recognised(seen) or undeclared
    try:
        injected = _injected(annotations.get(INJECTED))
    except ValueError:
        return [("?", "", "", DAMAGED)]
    known = {container for _, container, _ in injected}
    by_hand = [(name, name, "") for name, kind in found.items() if kind not in ("init", "regular") and name not in known]
    return [
        (agent, container, promised, found.get(container, "missing")) for agent, container, promised in [*injected, *by_hand]
    ]


def _injected(annotation: str | None) -> list[tuple[str, str, str]]:
    """Return agent, container and declaration of each injected agent. Raises ValueError for an annotation that is damaged."""
    if annotation is None:
        return []
    try:
        agents = json.loads(annotation)["agents"].items()
        return [(name, str(each["container"]), str(each["declaration"])) for name, each in agents]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise ValueError("damaged") from None


def _container(name: str, statuses: dict[str, Any]) -> Container:
    status: dict[str, Any] = statuses.get(name, {})
    states: dict[str, dict[str, Any]] = status.get("state", {})
    state = next(iter(states), "")
    details = states.get(state, {})
    earlier = (status.get("lastState") or {}).get("terminated")
    return Container(
        name=name,
        state=state,
        started_at=details.get("startedAt") or "",
        finished_at=details.get("finishedAt") or "",
        exit_code=details.get("exitCode"),
        reason=details.get("reason", ""),
        message=details.get("message", ""),
        restarts=status.get("restartCount", 0),
        started=status.get("started") is True,
        earlier=EarlierRun(earlier.get("startedAt") or "", earlier.get("finishedAt") or "") if earlier else None,
    )

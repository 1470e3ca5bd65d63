"""What happened in each pod, as bars over time: every container from its start to its end.

Times are the kubelet's, in whole seconds. A container that still runs has no end: its bar goes beyond the last moment that is
known of the pod. Of a restarted container the status tells the run before as well, and no older one.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import NamedTuple

from sidecar_plugin.commands.verify.status import Container, Pod
from sidecar_plugin.commands.verify.verdicts import FAILED, AgentVerdict, Verdicts
from sidecar_plugin.errors import one_line, visible

_WIDTH = 48  # columns of the bars in text
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class Run(NamedTuple):
    """One run of a container, in seconds from the pod's first moment; `end` is None while it goes on."""

    start: int
    end: int | None


class Row(NamedTuple):
    """One container: its runs, in order, and what is to be said of it. `role` is the agent's declaration or `application`."""

    name: str
    role: str
    runs: tuple[Run, ...]
    note: str
    is_failed: bool


class Timeline(NamedTuple):
    """One pod: when it began, how many seconds are known, its containers, and why it failed."""

    name: str
    began: str
    seconds: int
    rows: tuple[Row, ...]
    messages: tuple[str, ...]

    @property
    def drawn_seconds(self) -> int:
        """The seconds that the width of the picture stands for: more than are known where a container runs on."""
        runs_on = any(run.end is None for row in self.rows for run in row.runs)
        return self.seconds + max(1, self.seconds // 8) if runs_on else self.seconds

    @property
    def is_failed(self) -> bool:
        """Whether a promise was not kept in this pod."""
        return bool(self.messages)


def timelines(verdicts: Verdicts) -> list[Timeline]:
    """Return a timeline for each pod with sidecars, in the order of the verdicts."""
    by_pod: dict[int, list[AgentVerdict]] = {}
    for verdict in verdicts.agents:
        by_pod.setdefault(id(verdict.pod), []).append(verdict)
    return [_timeline(found[0].pod, found) for found in by_pod.values()]


def _timeline(pod: Pod, verdicts: list[AgentVerdict]) -> Timeline:
    containers = [*(agent.container for agent in pod.agents), *pod.applications]
    moments = sorted(moment for each in containers for moment in _moments(each))
    first = moments[0] if moments else 0
    failed = {each.agent.container.name: each.verdict == FAILED for each in verdicts}
    roles = {agent.container.name: agent.declaration or agent.found for agent in pod.agents}
    rows = tuple(
        Row(each.name, roles.get(each.name, "application"), _runs(each, first), _note(each), failed.get(each.name, False))
        for each in containers
    )
    messages = tuple(f"{each.agent.name}: {text}" for each in verdicts if each.verdict == FAILED for text in each.messages)
    began = datetime.fromtimestamp(first, timezone.utc).strftime(_FORMAT) if moments else ""
    name = f"{pod.namespace}/{pod.name}" if pod.namespace else pod.name
    return Timeline(name, began, (moments[-1] - first) if moments else 0, rows, messages)


def _moments(container: Container) -> Iterator[int]:
    """Yield the moments that are known of a container, in seconds since 1970."""
    earlier = container.earlier
    for text in (container.started_at, container.finished_at, *((earlier.started_at, earlier.finished_at) if earlier else ())):
        if (moment := _seconds(text)) is not None:
            yield moment


def _seconds(text: str) -> int | None:
    """Return a time of the API in seconds since 1970, None for no time and for one that no calendar has."""
    try:
        return int(datetime.strptime(text, _FORMAT).replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        return None


def _runs(container: Container, first: int) -> tuple[Run, ...]:
    pairs = [(container.started_at, container.finished_at)]
    if container.earlier:
        pairs.insert(0, (container.earlier.started_at, container.earlier.finished_at))
    runs = []
    for started, finished in pairs:
        start, end = _seconds(started), _seconds(finished)
        if start is not None:
            runs.append(Run(start - first, None if end is None else max(end - first, start - first)))
    return tuple(runs)


def _note(container: Container) -> str:
    said = {"running": "runs", "terminated": f"exit {container.exit_code}", "waiting": "waits"}.get(
        container.state, "not started"
    )
    reason = f" ({container.reason})" if container.reason and container.reason != "Completed" else ""
    if container.restarts:
        said += f", {container.restarts} restart{'s' if container.restarts > 1 else ''}"
    return said + reason


# --- text


def as_text(lines: Iterable[Timeline]) -> str:
    """Return the timelines with plain characters: `=` while a container runs, `>` where it runs on, `!` before a failed one."""
    return visible("".join(f"\n{_pod_text(line)}" for line in lines))


def _pod_text(line: Timeline) -> str:
    names = [one_line(row.name) for row in line.rows]
    roles = [one_line(row.role) for row in line.rows]
    widths = max(map(len, names), default=0), max(map(len, roles), default=0)
    when = f"{line.began}, {line.seconds} s" if line.began else "nothing has started"
    text = [f"{one_line(line.name)}  {when}"]
    for row, name, role in zip(line.rows, names, roles, strict=True):
        mark = "!" if row.is_failed else " "
        bar = "".join(_cells(row.runs, line.drawn_seconds))
        text.append(f"{mark} {name.ljust(widths[0])}  {role.ljust(widths[1])}  |{bar}|  {one_line(row.note)}".rstrip())
    text += [f"! {one_line(message)}" for message in line.messages]
    return "".join(f"{each}\n" for each in text)


def _cells(runs: tuple[Run, ...], seconds: int) -> list[str]:
    cells = [" "] * _WIDTH
    for run in runs:
        start = _column(run.start, seconds)
        stop = _WIDTH if run.end is None else max(_column(run.end, seconds), start + 1)
        cells[start:stop] = "=" * (stop - start)
        if run.end is None:
            cells[-1] = ">"
    return cells


def _column(moment: int, seconds: int) -> int:
    """Return the column of a moment; the last moment of all is behind the last column, and a run in it takes that one."""
    return (
        min(moment * _WIDTH // seconds, _WIDTH - 1) if seconds and moment < seconds else (_WIDTH if seconds and moment else 0)
    )

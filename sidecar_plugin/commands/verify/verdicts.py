"""The verdicts on pods and Jobs, and how they are shown: tables for a person, one JSON object for a program."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sidecar_plugin.commands.verify.expectations import PROMISES, started_first, waits_for
from sidecar_plugin.commands.verify.status import Agent, Job, Pod
from sidecar_plugin.errors import one_line, visible
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion
from sidecar_plugin.runtime.console import json_text

FAILED = "failed"
WAITING = "waiting"
_STARTED = {True: "first", False: "too late", None: "-"}


class AgentVerdict(NamedTuple):
    """What is to be said about one sidecar of one pod: ok, waiting, unclear or failed, and the reasons.

    `hopeless`: the pod comes to no end by itself.
    """

    pod: Pod
    agent: Agent
    verdict: str
    messages: tuple[str, ...]
    hopeless: bool


class JobVerdict(NamedTuple):
    """What is to be said about one Job: ok, waiting or failed, and why."""

    job: Job
    verdict: str
    messages: tuple[str, ...]


class Verdicts(NamedTuple):
    """All verdicts of one look at a cluster; `bare` counts the pods without sidecars."""

    agents: tuple[AgentVerdict, ...]
    jobs: tuple[JobVerdict, ...]
    bare: int

    @property
    def found(self) -> bool:
        """Whether there is anything with a sidecar."""
        return bool(self.agents or self.jobs)

    def has(self, verdict: str) -> bool:
        """Say whether one of the verdicts is this one."""
        return verdict in {each.verdict for each in self.agents} | {each.verdict for each in self.jobs}

    def out_of_time(self, waited: str) -> "Verdicts":
        """Return the verdicts with what still waits as failed: it had the time it was given."""

        def mark(verdict: str, messages: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
            late = tuple(f"not so after {waited}: {message}" for message in messages)
            return (FAILED, late) if verdict == WAITING else (verdict, messages)

        agents = tuple(
            AgentVerdict(each.pod, each.agent, *mark(each.verdict, each.messages), each.hopeless) for each in self.agents
        )
        return Verdicts(
            agents, tuple(JobVerdict(each.job, *mark(each.verdict, each.messages)) for each in self.jobs), self.bare
        )

    def as_text(self) -> str:
        """Return the tables, and below them a line a message."""
        rows: list[tuple[str, ...]] = [("POD", "AGENT", "DECLARATION", "STARTED", "EXIT", "APPLICATION", "RESTARTS", "VERDICT")]
        for verdict in self.agents:
            agent = verdict.agent
            rows.append(
                (
                    _name(verdict.pod),
                    one_line(agent.name),
                    one_line(agent.found if agent.found == agent.declaration else f"{agent.declaration} (is {agent.found})"),
                    _STARTED[started_first(verdict.pod, agent)],
                    _code(agent.container.exit_code),
                    ",".join(_code(each.exit_code) for each in verdict.pod.applications),
                    str(agent.container.restarts),
                    verdict.verdict,
                )
            )
        parts = [_table(rows)] if self.agents else []
        if self.jobs:
            jobs: list[tuple[str, ...]] = [(_name(each.job), each.job.state, each.verdict) for each in self.jobs]
            parts.append(_table([("JOB", "STATE", "VERDICT"), *jobs]))
        lines = [
            f"{each.verdict}: Pod/{_name(each.pod)}: {one_line(f'{each.agent.name}: {message}')}\n"
            for each in self.agents
            for message in each.messages
        ]
        lines += [
            f"{each.verdict}: Job/{_name(each.job)}: {one_line(message)}\n" for each in self.jobs for message in each.messages
        ]
        if self.bare:
            lines.append(f"pods without sidecars: {self.bare}\n")
        return visible("\n".join([*parts, "".join(lines)] if lines else parts))

    def as_json(self) -> str:
        """Return the report for a program: one JSON object on one line."""
        agents: list[dict[str, Any]] = [
            {
                "namespace": each.pod.namespace,
                "pod": each.pod.name,
                "job": each.pod.job or None,
                "phase": each.pod.phase,
                "agent": each.agent.name,
                "container": each.agent.container.name,
                "declaration": each.agent.declaration,
                "found": each.agent.found,
                "startedFirst": started_first(each.pod, each.agent),
                "state": each.agent.container.state or None,
                "exitCode": each.agent.container.exit_code,
                "restarts": each.agent.container.restarts,
                "applications": [
                    {"container": one.name, "exitCode": one.exit_code, "restarts": one.restarts}
                    for one in each.pod.applications
                ],
                "verdict": each.verdict,
                "messages": list(each.messages),
            }
            for each in self.agents
        ]
        jobs = [
            {
                "namespace": each.job.namespace,
                "job": each.job.name,
                "state": each.job.state,
                "verdict": each.verdict,
                "messages": list(each.messages),
            }
            for each in self.jobs
        ]
        data = {"failed": self.has(FAILED), "agents": agents, "jobs": jobs, "podsWithoutSidecars": self.bare}
        return json_text(data) + "\n"


def judge(pods: Iterable[Pod], jobs: Iterable[Job], version: ClusterVersion | None) -> Verdicts:
    """Return the verdicts on pods and on the Jobs that have sidecars; `version` is the cluster's if it is known."""
    pods = list(pods)
    agents = tuple(_judge_agent(pod, agent, version) for pod in pods for agent in pod.agents)
    owners = {(pod.namespace, pod.job) for pod in pods if pod.agents}
    stuck = {(each.pod.namespace, each.pod.job): each.pod.name for each in agents if each.hopeless}
    judged = tuple(
        _judge_job(job, pods, stuck.get((job.namespace, job.name), ""))
        for job in jobs
        if job.sidecars or (job.namespace, job.name) in owners
    )
    return Verdicts(agents, judged, sum(not pod.agents for pod in pods))


def _judge_agent(pod: Pod, agent: Agent, version: ClusterVersion | None) -> AgentVerdict:
    findings = [finding for promise in PROMISES if (finding := promise(pod, agent, version))]
    if findings:
        verdict = FAILED if any(finding.verdict == FAILED for finding in findings) else findings[0].verdict
        return AgentVerdict(
            pod, agent, verdict, tuple(finding.message for finding in findings), any(finding.hopeless for finding in findings)
        )
    waiting = waits_for(pod, agent)
    return AgentVerdict(pod, agent, WAITING if waiting else "ok", (waiting,) if waiting else (), hopeless=False)


def _judge_job(job: Job, pods: list[Pod], stuck: str) -> JobVerdict:
    if job.state == "Complete":
        return JobVerdict(job, "ok", ())
    if job.state == "Running" and stuck:
        return JobVerdict(job, FAILED, (f"it never completes: see its pod {stuck}",))
    if job.state != "Failed":
        return JobVerdict(job, WAITING, (f"the Job is {job.state.lower()}",))
    ends = {
        f"{each.name} with {each.exit_code}"
        for pod in pods
        if (pod.namespace, pod.job) == (job.namespace, job.name)
        for each in pod.applications
        if each.exit_code
    }
    why = f"; the application's containers ended: {', '.join(sorted(ends))}" if ends else ""
    return JobVerdict(job, FAILED, (f"the Job failed ({job.trouble}){why}",))


def _name(thing: Pod | Job) -> str:
    return one_line(f"{thing.namespace}/{thing.name}" if thing.namespace else thing.name)


def _code(code: int | None) -> str:
    return "-" if code is None else str(code)


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)

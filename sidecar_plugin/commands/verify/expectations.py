"""What a declaration promises of a sidecar, one function a promise, and what is said when it is not kept.

native: it starts before the application and ends after it, the pod ends with the application (KEP-753,
https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/). acs: the same, from Alibaba Cloud
(https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types). regular: only that it runs. All: it ends with 0,
except native ones, whose exit code Kubernetes ignores when the pod ends.
"""

from collections.abc import Callable
from typing import NamedTuple

from sidecar_plugin.commands.verify.status import DAMAGED, Agent, Container, Pod
from sidecar_plugin.injection.marker import INJECTED
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS, ClusterVersion
from sidecar_plugin.kubernetes.declarations import DECLARATIONS

_CANNOT_START = {
    "CrashLoopBackOff": "it ends again and again: look at `kubectl logs`",
    "CreateContainerConfigError": "something that it names, such as a ConfigMap, is not there",
    "CreateContainerError": "the node cannot make the container",
    "ErrImageNeverPull": "its image is not on the node",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "InvalidImageName": "its image's name is not one",
    "RunContainerError": "the node cannot run it",
}


class Finding(NamedTuple):
    """What was found about an agent: `failed` a promise that is not kept, `unclear` a status that may not be true.

    `hopeless`: the pod comes to no end by itself.
    """

    verdict: str
    message: str
    hopeless: bool = False


def declared(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """The agent stands in the pod as it was injected."""
    if agent.found == DAMAGED:
        return _failed(f"the annotation {INJECTED} cannot be read; install the workload again through the program")
    if not agent.promised or agent.promised == agent.found:
        return None
    if agent.found == "missing":
        return _failed(f"the container {agent.container.name} is not in the pod: something took it out after the injection")
    if (agent.promised, agent.found) == ("native", "init"):
        return _hopeless(_stripped(version))
    return _failed(
        f"it was injected as {agent.promised} and is {agent.found} now: something changed the pod after the injection"
    )


def _stripped(version: ClusterVersion | None) -> str:
    """Return what is said of a native sidecar without restartPolicy: who removed it, as far as the version tells."""
    old_server = f"an API server before {NATIVE_SIDECARS} drops the field"
    old_webhook = (
        f"a mutating webhook that was built for Kubernetes before {NATIVE_SIDECARS} drops it from every pod it changes"
    )
    if version is not None and version >= NATIVE_SIDECARS:
        cause = (
            f"the server is {version} and keeps the field, so {old_webhook}: update that webhook, or exclude these pods from it"
        )
    elif version is not None:
        cause = f"{old_server}, and this one is {version}: set clusterVersion to {version}, and install again"
    else:
        cause = f"{old_server} (set clusterVersion to what `kubectl version` says, and install again), or {old_webhook}"
    what = "restartPolicy is gone from it: it is an ordinary init container now, and the pod waits in Init for ever"
    return f"{what}. The cause: {cause}"


def comes_to_its_end(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """A pod that is over has an application that ended, and an agent that started."""
    if pod.phase not in ("Succeeded", "Failed"):
        return None
    if pod.phase == "Failed" and pod.reason:
        return _failed(f"the pod failed as a whole: {pod.trouble}")
    open_ones = [each.name for each in pod.applications if each.state != "terminated"]
    if open_ones:
        return _failed(f"the pod is {pod.phase}, and the application ({', '.join(open_ones)}) has not ended: it never started")
    if agent.container.state in ("", "waiting") and not agent.container.restarts:
        return _failed(f"the pod is {pod.phase}, and this container never started")
    return None


def starts(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """The agent can be started."""
    container = agent.container
    if container.state != "waiting" or container.reason not in _CANNOT_START:
        return None
    restarted = f" (restarts so far: {container.restarts})" if container.restarts else ""
    detail = f" ({container.message})" if container.message else ""
    return _failed(f"{container.reason}{restarted}: {_CANNOT_START[container.reason]}{detail}")


def starts_first(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """The agent starts before the application."""
    if started_first(pod, agent) is not False:
        return None
    late = [each.name for each in pod.applications if each.started_at and each.started_at < agent.container.started_at]
    remedy = "; only ACS orders the start by __IS_SIDECAR__: use native" if agent.declaration == "acs" else ""
    return _failed(f"it started at {agent.container.started_at}, after the application ({', '.join(late)}){remedy}")


def runs(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """The agent runs as long as the application does."""
    container = agent.container
    if container.state != "terminated" or not any(each.state == "running" for each in pod.applications):
        return None
    ended = f"it ended with {_exit(container)} while the application runs"
    if _may_be_old(pod, agent, version):
        on = f"on Kubernetes {version}" if version else f"if the cluster is {NATIVE_SIDECARS} or later"
        return Finding(
            "unclear",
            f"{ended}, says the status. The declaration acs has a known limit {on}: after a failure retry, containerStatus and "
            "pod status are not updated to Running; look into the container itself, and use native",
        )
    return _failed(f"{ended}" + (f" (restarts so far: {container.restarts})" if container.restarts else ""))


def ends_last(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """The agent outlives the application."""
    container = agent.container
    ends = [each.finished_at for each in pod.applications]
    if not _is_ordered(agent) or container.state != "terminated" or not all(ends) or not ends:
        return None
    if container.finished_at >= max(ends) or _may_be_old(pod, agent, version):
        return None
    return _failed(f"it ended at {container.finished_at}, before the application ({max(ends)}), which ran on without it")


def ends_with_0(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """The agent ends with exit code 0 when the application has ended, where the declaration says that the code counts."""
    container = agent.container
    declaration = DECLARATIONS.get(agent.declaration)
    if declaration is not None and not declaration.exit_code_counts:
        return None
    if container.state != "terminated" or container.exit_code == 0 or not _application_over(pod):
        return None
    why = {
        137: f"it was killed: it did not end within terminationGracePeriodSeconds ({pod.grace_period}) after SIGTERM",
        143: "SIGTERM ended it: it does not handle the signal",
    }.get(container.exit_code or 0, "look at `kubectl logs`")
    if container.reason == "OOMKilled":
        why = "it had no memory left; raise its limit"
    limit = ""
    if _may_be_old(pod, agent, version):
        limit = f"; from {NATIVE_SIDECARS} on an acs sidecar that was started again keeps the status of its failure: use native"
    return _failed(f"it ended with {_exit(container)}: {why}{limit}")


def lets_the_pod_end(pod: Pod, agent: Agent, version: ClusterVersion | None) -> Finding | None:
    """The agent does not keep a pod from completing."""
    if agent.declaration != "regular" or agent.container.state != "running" or not _application_over(pod):
        return None
    what = f"Job/{pod.job}" if pod.job else "the pod"
    return _hopeless(
        f"the application has ended and this plain container goes on, so {what} never completes; declare it native on "
        f"Kubernetes {NATIVE_SIDECARS} or later (leave out declaration: regular), or acs on ACS, and install again"
    )


PROMISES: tuple[Callable[[Pod, Agent, ClusterVersion | None], Finding | None], ...] = (
    declared,
    comes_to_its_end,
    starts,
    starts_first,
    runs,
    ends_last,
    ends_with_0,
    lets_the_pod_end,
)


def started_first(pod: Pod, agent: Agent) -> bool | None:
    """Say whether the agent started before the application; None when the times do not show that, or it is not promised.

    Times have whole seconds: the same second is in order. After a restart the status holds the time of the last start only;
    for a native sidecar the condition Initialized then says it, which waits for the sidecars and comes before the application.
    """
    container = agent.container
    applications = [each for each in pod.applications if each.started_at]
    if not _is_ordered(agent) or agent.found == "missing" or not container.started_at or not applications:
        return None
    if container.restarts == 0 and any(each.started_at < container.started_at for each in applications):
        return False
    if not container.restarts and not any(each.restarts for each in applications):
        return True
    if agent.found == "native" and pod.initialized_at:
        return all(each.started_at >= pod.initialized_at for each in applications)
    return None


def waits_for(pod: Pod, agent: Agent) -> str:
    """Return what the pod has still to do before all about this agent can be said, "" when nothing."""
    if pod.phase in ("Succeeded", "Failed"):
        return ""
    container = agent.container
    if agent.found == "native" and container.state == "running" and not container.started:
        return "its startup probe has not passed yet, and the application waits for it"
    if pod.phase != "Running":
        cause = f" ({pod.events[-1]})" if pod.events else ""
        return (pod.trouble or container.reason or f"the pod is {pod.phase or 'not there yet'}") + cause
    if _application_over(pod):
        hint = ", which only ACS does" if agent.declaration == "acs" else ""
        return f"the application has ended, the agent is to be ended{hint}"
    if pod.job or pod.restart_policy != "Always":
        return "the application runs"
    if container.state != "running":
        return container.reason or "the agent does not run yet"
    idle = [each.name for each in pod.applications if each.state != "running"]
    return f"the application ({', '.join(idle)}) does not run" if idle else ""


def _is_ordered(agent: Agent) -> bool:
    declaration = DECLARATIONS.get(agent.declaration)
    return declaration is not None and declaration.is_ordered


def _application_over(pod: Pod) -> bool:
    """Say whether every container of the application has ended and stays so."""
    if pod.phase in ("Succeeded", "Failed"):
        return True
    return bool(pod.applications) and all(
        each.state == "terminated"
        and (pod.restart_policy == "Never" or (pod.restart_policy == "OnFailure" and each.exit_code == 0))
        for each in pod.applications
    )


def _may_be_old(pod: Pod, agent: Agent, version: ClusterVersion | None) -> bool:
    """Say whether the status may be that of an earlier try: the known limit of acs, and what the API server's own checks forbid
    to change (a container that has ended does not run again, unless the pod's restartPolicy says so)."""
    if agent.declaration != "acs" or pod.restart_policy == "Always" or agent.container.exit_code == 0:
        return False
    return version is None or version >= NATIVE_SIDECARS


def _exit(container: Container) -> str:
    reason = f" ({container.reason})" if container.reason not in ("", "Error", "Completed") else ""
    return f"exit code {container.exit_code}{reason}"


def _failed(message: str) -> Finding:
    return Finding("failed", message)


def _hopeless(message: str) -> Finding:
    return Finding("failed", message, hopeless=True)

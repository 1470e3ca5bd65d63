"""a regular sidecar in a pod that is to complete

A pod of a Job, a CronJob, or one with `restartPolicy: Never` or `OnFailure` completes when all its containers have
ended. An agent in a plain container goes on, so the Job never completes. Taken for agents: what was injected as
`regular`, the images of known agents beside another container, and `__IS_SIDECAR__` on a platform that is told not to
be ACS.

Passes:

    apiVersion: batch/v1
    kind: Job
    metadata: {name: import}
    spec:
      template:
        spec:
          restartPolicy: Never
          initContainers:
          - {name: logs, image: "fluent/fluent-bit:4.0.1", restartPolicy: Always}
          containers:
          - {name: import, image: "import:1"}

Fails:

    apiVersion: batch/v1
    kind: Job
    metadata: {name: import}
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: import, image: "import:1"}
          - {name: logs, image: "fluent/fluent-bit:4.0.1"}

Source: KEP-753, "Motivation"; https://kubernetes.io/docs/concepts/workloads/controllers/job/.
"""

from collections.abc import Iterator

from sidecar_plugin.linting.known_agents import agent_of
from sidecar_plugin.linting.subject import Cluster, PodSubject, Problem, application, text, who
from sidecar_plugin.sidecars import Container

ID = "regular-sidecar-on-job"
LEVEL = "error"
ABOUT = "pod"
NEEDS = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    if not subject.completes:
        return
    for container, why in _plain_agents(subject, cluster):
        yield Problem(
            container.node,
            container.field(subject.pod),
            f"{who(container)} {why} goes on when the application has ended, so this {subject.pod.kind} never completes",
            "make it a native sidecar on Kubernetes 1.29 or later, or acs on ACS (convert --to)",
        )


def _plain_agents(subject: PodSubject, cluster: Cluster) -> Iterator[tuple[Container, str]]:
    for sidecar in subject.sidecars:
        if sidecar.declaration == "regular":
            yield sidecar.container, f"(the injected agent {sidecar.agent})"
        elif sidecar.declaration == "acs" and cluster.platform not in (None, "acs"):
            yield sidecar.container, f"(a plain one on platform {cluster.platform})"
    others = list(application(subject))
    for container in others:
        agent = agent_of(text(container.node, "image"))
        if agent and len(others) > 1:
            yield container, f"(a {agent})"

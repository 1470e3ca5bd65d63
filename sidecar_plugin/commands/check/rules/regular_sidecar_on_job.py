"""a regular sidecar in a pod that is to complete

A pod of a Job, a CronJob, or one with `restartPolicy: Never` or `OnFailure` completes when all its containers have
ended. An agent in a plain container goes on, so the Job never completes. Taken for agents: what was injected as
`regular`, the images of known agents beside another container, and `__IS_SIDECAR__` on a platform that is told not to be
ACS. Left alone are pods whose commands call an agent's interface to end it (`/quitquitquit`, `/shutdown`,
`linkerd-await`).

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

from sidecar_plugin.commands.check.known_images import plain_agents
from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, who

ID = "regular-sidecar-on-job"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    if not subject.completes:
        return
    for container, why in plain_agents(subject, cluster):
        yield Problem(
            container.node,
            container.field(subject.pod),
            f"{who(container)} ({why}) goes on when the application has ended, so this {subject.pod.kind} never completes",
            "make it a native sidecar on Kubernetes 1.29 or later, or acs on ACS (convert --to)",
        )

"""a sidecar whose command ignores SIGTERM

The first process of a container gets a signal only if it has a handler for it: the kernel keeps the default action, to
end, from process 1. A shell that runs several commands has none and does not pass the signal on, nor have `tail`,
`sleep` and `cat`. Such a sidecar holds the end of the pod back for the whole grace period (30 s) and is then killed. A
`trap` in the script, `exec` before the last command, a `preStop`, or `shareProcessNamespace: true` mends it.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - name: agent
        image: "agent:1"
        restartPolicy: Always
        command: [sh, -c, "prepare && exec agent -f"]
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - name: agent
        image: "agent:1"
        restartPolicy: Always
        command: [sh, -c, "prepare && agent -f"]
      - name: tail
        image: "busybox:1"
        restartPolicy: Always
        command: [tail, -F, /logs/app.log]
      containers:
      - {name: web, image: "web:1"}

Source: signal(7) and pid_namespaces(7) of the Linux manual, "init process".
"""

import re
from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, strings, value, who

ID = "sidecar-ignores-sigterm"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()

_SHELLS = frozenset(("sh", "bash", "ash", "dash"))
_DEAF = frozenset(("tail", "sleep", "cat"))
_SCRIPT_OPTION = re.compile(r"-[a-z]*c")
_SEVERAL = re.compile(r"[;|\n]|&&|\b(?:while|until|for|if)\b")
_EXEC = re.compile(r"(?:^|[;&\n]|\bthen\b|\bdo\b)\s*exec\s+(?P<program>[\w./-]+)[^;&|\n]*$")


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    if subject.is_true("shareProcessNamespace") or subject.is_true("hostPID"):
        return
    for sidecar in subject.sidecars:
        node = sidecar.container.node
        command = value(node, "command")
        why = _why([*strings(command), *strings(node, "args")])
        if command and why and value(node, "lifecycle", "preStop") is None:
            yield Problem(
                command,
                sidecar.container.field(subject.pod, "command"),
                f"{who(sidecar.container)} ignores SIGTERM: {why}; the pod's end waits for the grace period, then it is killed",
                "start the last command with exec, trap TERM in the script, or add lifecycle.preStop",
            )


def _why(words: list[str]) -> str:
    """Say why the command ignores SIGTERM as process 1, "" if it may well not."""
    if not words:
        return ""
    program = words[0].rsplit("/", 1)[-1]
    if program in _DEAF:
        return f"{program} has no handler for it"
    if program not in _SHELLS or len(words) < 3 or not _SCRIPT_OPTION.fullmatch(words[1]):
        return ""
    script = "\n".join(line for line in words[2].strip().splitlines() if not line.lstrip().startswith("#"))
    if re.search(r"\btrap\b", script):
        return ""
    if found := _EXEC.search(script):
        return _why([found["program"]])
    if _SEVERAL.search(script):
        return f"{program} runs several commands and does not pass it on"
    return _why(script.split()[:1])

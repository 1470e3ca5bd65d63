"""`__IS_SIDECAR__` with another value than the string "true"

Alibaba Cloud ACS reads the string `"true"`. Without quotes YAML makes a boolean of it, which the API server refuses for
a variable; `"True"`, `"1"` or `"yes"` are other strings, and the container stays a plain one. `"false"` says no, and
passes.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1", env: [{name: __IS_SIDECAR__, value: "true"}]}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1", env: [{name: __IS_SIDECAR__, value: true}]}
      - {name: other, image: "agent:1", env: [{name: __IS_SIDECAR__, value: "True"}]}

Source: https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, plain, who
from sidecar_plugin.injection.sidecars import variables
from sidecar_plugin.kubernetes.declarations import acs
from sidecar_plugin.yamledit.nodes import Node, Scalar, follow

ID = "is-sidecar-value"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    for container in subject.containers:
        if container.list_name != "containers":
            continue
        for _, _, node in variables(container.node, acs.DECLARATION.marks):
            wrong = _wrong(node)
            if wrong:
                yield Problem(
                    node,
                    container.field(subject.pod, "env[__IS_SIDECAR__]"),
                    f'{wrong}, so {who(container)} is no sidecar; only the string "true" makes it one',
                    'write value: "true", with the quotes',
                )


def _wrong(node: Node) -> str:
    node = follow(node)
    if not isinstance(node, Scalar):
        return "__IS_SIDECAR__ has no value of its own"
    read = plain(node)
    if isinstance(read, bool):
        return f"the value is the boolean {node.value}, which the API server refuses"
    if not isinstance(read, str):
        return f"the value is {node.value or 'null'}, which is no string"
    return "" if read in ("true", "false") else f'the value is "{read}"'

"""The command as the tables of bad and odd input use it, and the two ends that an input may come to: handled, or refused.

The command runs in this process, `cli.main` with streams of its own: a process each would take minutes.
"""

import gc
import io
import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from sidecar_plugin.frontends.cli import main
from sidecar_plugin.injection.marker import INJECTED


def _slowness() -> float:
    """Return how much slower than an ordinary machine this one computes just now, at least 1."""
    start = time.process_time()
    sum(number * number for number in range(1_000_000))
    return max(1.0, (time.process_time() - start) / 0.08)


SECONDS = 2 * _slowness()  # of computing, on an ordinary machine 2; whatever the input, a run takes no longer

TEMPLATES = str(Path(__file__).parent / "templates")
SETTINGS = ("--cluster-version=1.30", "--set", "agents.agent.enabled=true", "--templates", TEMPLATES)
"""Inject tests/support/templates/agent, the one agent of these tables, into every workload."""


class Run(NamedTuple):
    """How a run of the command ended."""

    status: int
    stdout: bytes
    stderr: str


class _Kept(io.BytesIO):
    def close(self) -> None:
        """Stay readable when the text stream around it goes."""


def run(*arguments: str, stdin: str | bytes = b"") -> Run:
    """Run the command; a run that takes too long fails the test, an exception that leaves it shows as itself."""
    out, err = _Kept(), _Kept()
    data = stdin.encode() if isinstance(stdin, str) else stdin
    streams = sys.stdin, sys.stdout, sys.stderr
    before = signal.signal(signal.SIGVTALRM, lambda *_: pytest.fail(f"no end after {SECONDS} s"))
    cache = os.environ.get("SIDECAR_PLUGIN_CACHE")
    os.environ["SIDECAR_PLUGIN_CACHE"] = "off"
    sys.stdin, sys.stdout, sys.stderr = (io.TextIOWrapper(stream, "utf-8") for stream in (io.BytesIO(data), out, err))
    gc.freeze()  # what the tests hold is not walked through while the command computes: its own process would not have it
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        status = main(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        gc.unfreeze()
        signal.signal(signal.SIGVTALRM, before)
        sys.stdin, sys.stdout, sys.stderr = streams
        del os.environ["SIDECAR_PLUGIN_CACHE"]
        if cache is not None:
            os.environ["SIDECAR_PLUGIN_CACHE"] = cache
    return Run(status, out.getvalue(), err.getvalue().decode())


def inject(stdin: str | bytes) -> Run:
    """Run the filter with SETTINGS."""
    return run(*SETTINGS, stdin=stdin)


def refuses(stdin: str | bytes, place: str, message: str) -> None:
    """Hold that the filter refuses the input at `LINE:COLUMN` of it, or at `LINE` where any column will do."""
    refused(inject(stdin), f"<stdin>:{place}", message)


def leaves(stdin: str | bytes, said: str = "") -> None:
    """Hold that the filter gives the input back as it came, with `said` in the report."""
    done = inject(stdin)
    assert (done.status, done.stdout) == (0, stdin.encode() if isinstance(stdin, str) else stdin), done
    assert said in done.stderr


def handles(stdin: str | bytes, said: str = "") -> str:
    """Hold that the filter adds the agent to every pod and nothing else, that a second run changes nothing, and that `uninject`
    gives the input back to the byte; return the output."""
    before = stdin.encode() if isinstance(stdin, str) else stdin
    done = inject(before)
    assert done.status == 0, done.stderr
    assert said in done.stderr
    after = done.stdout
    rest = iter(after)
    assert all(byte in rest for byte in before), "something of the input is gone"
    assert INJECTED.encode() in after
    assert without_marker(load(after.decode())) == [with_agent(document) for document in load(before.decode())]
    again = inject(after)
    assert (again.status, again.stdout) == (0, after), again.stderr
    taken_out = run("uninject", "-", stdin=after)
    assert (taken_out.status, taken_out.stdout) == (0, before), taken_out.stderr
    return after.decode()


def refused(done: Run, place: str, message: str) -> None:
    """Hold that a run ended with an error at `FILE:LINE:COLUMN` that says `message`, and with nothing else."""
    assert (done.status, done.stdout) == (1, b""), done
    start = "sidecar-plugin: error: "
    assert done.stderr.startswith(f"{start}{place}:"), done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


class _TextLoader(yaml.SafeLoader):
    """PyYAML's own parser, in Python: scalars stay text, so that nothing of YAML 1.1 is in the way."""


class _LibyamlTextLoader(yaml.CSafeLoader):
    """For the little that PyYAML's own parser does not take and Go's does, such as a tab behind a colon."""


for _loader in (_TextLoader, _LibyamlTextLoader):
    _loader.yaml_implicit_resolvers = {}
    _loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|)\Z"), ["~", "n", ""])
    _loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<\Z"), ["<"])
    _loader.add_multi_constructor("", lambda loader, _, node: _construct(loader, node))


def _construct(loader: Any, node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value


def load(text: str) -> list[Any]:
    """Return the documents as an independent parser reads them, aliases written out."""
    try:
        documents = list(yaml.load_all(text, _TextLoader))
    except yaml.YAMLError:
        documents = list(yaml.load_all(text, _LibyamlTextLoader))
    return json.loads(json.dumps([document for document in documents if document is not None]))  # type: ignore[no-any-return]


def with_agent(document: Any, kind: str = "") -> Any:
    """Return a loaded document with the agent in its pods; `kind` is that of a typed list's item."""
    if not isinstance(document, dict):
        return document
    kind = str(document.get("kind", kind))
    if kind.endswith("List"):
        for item in document.get("items") or ():
            with_agent(item, kind.removesuffix("List"))
    elif kind == "Pod":
        _add_to_pod(document)
    elif kind == "Deployment":
        _add_to_pod(document["spec"]["template"])
    return document


def without_marker(data: Any) -> Any:
    """Return loaded data without the program's annotation, wherever it stands."""
    if isinstance(data, dict):
        return {key: without_marker(value) for key, value in data.items() if key != INJECTED}
    return [without_marker(item) for item in data] if isinstance(data, list) else data


def _add_to_pod(pod: Any) -> None:
    spec, metadata = pod["spec"], pod.setdefault("metadata", None) or {}
    pod["metadata"] = metadata
    for kind in ("labels", "annotations"):
        metadata[kind] = metadata.get(kind) or {}
    metadata["annotations"]["agent"] = "yes"
    metadata["labels"]["by"] = "agent"
    for container in spec["containers"]:
        container["env"] = [*(container.get("env") or ()), {"name": "AGENT", "value": "on"}]
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), {"name": "shared", "mountPath": "/shared"}]
    native = {"name": "agent", "image": "agent:1", "restartPolicy": "Always"}
    spec["initContainers"] = [native, *(spec.get("initContainers") or ())]
    spec["volumes"] = [*(spec.get("volumes") or ()), {"name": "shared", "emptyDir": {}}]

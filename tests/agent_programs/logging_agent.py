"""What the logging agent does whatever its engine: the values that are tried, and an outage of the receiver."""

import re
from pathlib import Path
from typing import Any

from tests.agent_programs.pods import Agent
from tests.agent_programs.processes import eventually, running
from tests.agent_programs.receivers import http_server

LINE = re.compile(rb"line \d{5} ")
TLS: list[dict[str, Any]] = [
    {"enabled": False},
    {"enabled": True},
    {"enabled": True, "verify": False},
    {"enabled": True, "caSecret": "ca"},
]
JSON = [{"path": "/var/log/app/*.log", "format": "json"}]
SOURCES: list[tuple[str, dict[str, Any]]] = [
    ("kubernetes", {"sources": [{"path": "/var/log/app/*.log", "format": "text"}]}),
    ("kubernetes", {"sources": [{"path": "/data/logs/*.json", "format": "json"}, {"path": "/data/x/", "tag": "x"}]}),
    ("acs", {"sources": JSON}),
    ("acs", {"sources": []}),
    ("acs", {"stdout": {"path": "/out", "include": ["*.log"], "exclude": []}}),
]
"""A platform, and what is read there."""
STDOUT: list[tuple[str, dict[str, Any]]] = [
    ("acs", {}),
    ("eci", {"asRoot": True, "format": "json"}),
    ("bci", {"asRoot": True, "multiline": "java", "tag": "out", "fields": {"kind": "stdout"}}),
]
"""A platform that offers standard output as files, and values of `stdout`."""
STARTED = "2026-11-27T10:00:00.123456789Z"
FAILED = ("ERROR failed", "shop.NoStockException: book", "\tat shop.Main.main(Main.java:3)")


def write_stdout(agent: Agent) -> None:
    """Write standard output as a platform does: a folder for each container, and its own among them."""
    for container in ("app", "logging"):
        agent.path(f"/var/log/stdout/{container}").mkdir()
        lines = ('{"message": "hello"}', "no JSON", *FAILED, f"from {container}")
        text = "".join(f"{STARTED} stdout F {line}\n" for line in lines)
        agent.path(f"/var/log/stdout/{container}/0.log").write_text(text)


TAGGED = [
    {"path": "/var/log/app/*.log", "exclude": ["/var/log/app/debug*.log"], "fields": {"team": "red"}},
    {"path": "/var/log/app/audit/", "tag": "audit", "fields": {"kind": "audit"}},
    {"path": "/srv/log/*.log"},
]


def write_tagged(agent: Agent) -> None:
    """Write a line into a file of each source of TAGGED, and one that is left out."""
    agent.path("/var/log/app/audit").mkdir()
    for name in ("/var/log/app/a.log", "/var/log/app/debug.log", "/var/log/app/audit/x", "/srv/log/b.log"):
        agent.path(name).write_text(f"from {name}\n")


OTHERS: list[dict[str, Any]] = [
    *({"logLevel": level} for level in ("error", "warn", "info", "debug")),
    {"configuration": "configMap"},
    {"buffer": {"diskMegabytes": 8}},
    {"fields": {"team": "shop", "quoted": 'a "b": c'}},
]


def combinations(outputs: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Return every output with every platform and source, but for those where nothing is to be read."""
    return [
        (output, platform, source)
        for output in outputs
        for platform, source in SOURCES
        if output["type"] != "stdout" or source.get("sources", True)
    ]


def lines_through_an_outage(agent: Agent, port: int) -> set[bytes]:
    """Return the lines of 40 MB that reach a receiver which is away while they are written, longer than the buffer lasts.

    In the meantime the buffer stays below half of its volume's size limit, above which a pod is evicted.
    """
    (volume,) = (volume for volume in agent.volumes if volume["name"] == "logging-buffer")
    limit = int(volume["emptyDir"]["sizeLimit"].removesuffix("M")) * 1_000_000
    with running(agent) as process:
        with agent.path("/var/log/app/a.log").open("w") as log:
            log.writelines(f"line {number:05} {'x' * 1000}\n" for number in range(40_000))
        buffer, sizes = agent.path("/var/lib/logging"), [0]
        assert not eventually(lambda: sizes.append(size_of(buffer)), 6), "it is watched for so long"
        assert 2_000_000 < max(sizes) < limit / 2
        with http_server(port=port) as receiver:

            def arrived() -> set[bytes]:
                return {line for request in list(receiver.requests) for line in LINE.findall(request.body)}

            assert eventually(lambda: len(arrived()) >= 40_000, 60), f"{len(arrived())} lines have arrived"
            assert process.stop() == 0
            return arrived()


def size_of(folder: Path) -> int:
    """Return the bytes that a folder takes on disk, as a kubelet counts them."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())

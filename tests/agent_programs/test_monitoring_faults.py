"""No scrape is lost: the monitoring agent, with the default values and limits, under each fault."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.agent_programs.logging_run import Figures
from tests.agent_programs.measured_tables import Table
from tests.agent_programs.metrics_run import PATHS, MonitoringRun, monitoring_run

INTERVAL = 5
"""Seconds between two scrapes; fewer than the default, so that more of them meet a fault."""


def receiver_away(run: MonitoringRun, seconds: int) -> None:
    """Nobody listens at the receiver's address."""
    run.receiver.go_away()
    time.sleep(seconds)
    run.receiver.come_back()


def receiver_slow(run: MonitoringRun, seconds: int) -> None:
    """Each answer takes three seconds."""
    run.receiver.seconds = 3
    time.sleep(seconds)
    run.receiver.seconds = 0


def receiver_refuses(run: MonitoringRun, seconds: int, status: int) -> None:
    """The receiver takes nothing."""
    run.receiver.status = status
    time.sleep(seconds)
    run.receiver.status = 200


def killed(run: MonitoringRun, seconds: int) -> None:
    """The agent is killed and started again, every ten seconds."""
    for _ in range(seconds // 10):
        time.sleep(10)
        run.kill()
        run.start()


def killed_while_the_receiver_is_away(run: MonitoringRun, seconds: int) -> None:
    """What waits is in memory."""
    run.receiver.go_away()
    time.sleep(seconds)
    run.kill()
    run.start()
    run.receiver.come_back()


def pod_ends(run: MonitoringRun, pods: int) -> None:
    """SIGTERM comes just after a scrape."""
    for _ in range(pods):
        run.scrape()
        assert run.stop() == 0
        run.start()


FAULTS: Mapping[str, tuple[Callable[[MonitoringRun, int], None], int]] = {
    "receiver away for 240 s": (receiver_away, 240),
    "receiver takes 3 s for each answer, for 60 s": (receiver_slow, 60),
    "receiver answers 429 for 60 s": (partial(receiver_refuses, status=429), 60),
    "receiver answers 500 for 60 s": (partial(receiver_refuses, status=500), 60),
    "receiver answers 503 for 60 s": (partial(receiver_refuses, status=503), 60),
    "agent killed and restarted, 6 times": (killed, 60),
    "agent killed while the receiver is away for 60 s": (killed_while_the_receiver_is_away, 60),
    "pod ends just after a scrape, 10 pods": (pod_ends, 10),
}
TABLE = Table(
    "monitoring",
    ("fault", "export", "version", "scrapes", "lost", "twice", "delay", "memory", "CPU cores"),
    [(fault, export) for fault in FAULTS for export in PATHS],
)
LOST: Mapping[tuple[str, str], int] = {
    ("receiver answers 500 for 60 s", "otlphttp"): 14,
    **{("agent killed and restarted, 6 times", export): 6 for export in PATHS},
    **{("agent killed while the receiver is away for 60 s", export): 15 for export in PATHS},
    **{("pod ends just after a scrape, 10 pods", export): 3 for export in PATHS},
}
"""What is not reached: the most scrapes that are lost; docs/agents-under-load.md says why."""


def figures(run: MonitoringRun, fault: Callable[[MonitoringRun, int], None], seconds: int) -> Figures:
    """Return what a fault of so many seconds led to."""
    run.start()
    run.scrape(2)
    fault(run, seconds)
    run.settle()
    assert run.stop() == 0
    return run.figures()


@pytest.mark.slow
@pytest.mark.parametrize("fault", [receiver_away, partial(receiver_refuses, status=429)], ids=["away", "429"])
@pytest.mark.parametrize("export", PATHS)
def test_no_scrape_is_lost(export: str, fault: Callable[[MonitoringRun, int], None], tmp_path: Path, otelcol: Path) -> None:
    with monitoring_run(tmp_path, otelcol, export, 1) as run:
        assert figures(run, fault, 8).lost == 0


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("export", PATHS)
def test_no_scrape_is_lost_in_earnest(export: str, fault: str, tmp_path: Path, otelcol: Path) -> None:
    with monitoring_run(tmp_path, otelcol, export, INTERVAL) as run:
        found = figures(run, *FAULTS[fault])
        scrapes, lost, twice, delay, *rest = found.cells()
        TABLE.record(fault, export, run.agent.version, scrapes, lost, twice, "" if found.lost else delay, *rest)
    assert found.lost <= LOST.get((fault, export), 0), found

"""No line of a log is lost: the logging agent, with the default values and limits, under each fault."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.agent_programs.logging_faults import FAULTS
from tests.agent_programs.logging_run import Figures, logging_run
from tests.agent_programs.measured_tables import Table

ENGINES = {"fluent-bit": "fluent_bit", "otel-collector": "otelcol"}
"""The engines, and the fixtures of their programs."""
TABLE = Table(
    "logging",
    ("fault", "engine", "version", "lines", "lost", "twice", "delay", "memory", "CPU cores"),
    [(fault, engine) for fault in FAULTS for engine in ENGINES],
)
LOST: Mapping[tuple[str, str], int] = {
    ("no newline at the end of the file", "fluent-bit"): 20,
    ("rotation by copytruncate", "otel-collector"): 600,
    ("receiver answers 500 for 30 s", "otel-collector"): 9_300,
    ("the same on Kubernetes 1.28 with acs", "otel-collector"): 600,
    **{(f"SIGTERM {before} s after the last line, 20 pods", "otel-collector"): 20 for before in (0.0, 0.05, 0.1)},
}
"""What is not reached: the most lines that are lost; docs/agents-under-load.md says why."""

engines = [pytest.param(engine, marks=[pytest.mark.fluent_bit] * (engine == "fluent-bit")) for engine in ENGINES]


def figures(engine: str, fault: str, seconds: int, folder: Path, program: Path) -> tuple[str, Figures]:
    """Return the engine's version, and what a fault of so many seconds led to."""
    with logging_run(folder, program, {"engine": engine, **FAULTS[fault].values}, FAULTS[fault].pod) as run:
        run.start()
        FAULTS[fault].does(run, seconds)
        run.settle()
        assert run.stop() == 0
        return run.agent.version, run.figures()


@pytest.mark.slow
@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.short])
@pytest.mark.parametrize("engine", engines)
def test_no_line_is_lost(engine: str, fault: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    program = request.getfixturevalue(ENGINES[engine])
    _, found = figures(engine, fault, FAULTS[fault].short, tmp_path, program)
    assert found.lost <= LOST.get((fault, engine), 0), found


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("engine", engines)
def test_no_line_is_lost_in_earnest(engine: str, fault: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    program = request.getfixturevalue(ENGINES[engine])
    version, found = figures(engine, fault, FAULTS[fault].seconds, tmp_path, program)
    TABLE.record(fault, engine, version, *found.cells())
    assert found.lost <= LOST.get((fault, engine), 0), found

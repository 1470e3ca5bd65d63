"""Faults of the surroundings: each ends as its table says, soon, with a message of ours; a refusal leaves files alone."""

from pathlib import Path

import pytest

from tests.faults import process
from tests.faults.process import SECONDS, Fault, files, no_surprise, shell
from tests.faults.surroundings import TABLES

ALL = [pytest.param(fault, id=f"{name}: {fault.what}") for name, faults in TABLES.items() for fault in faults]


@pytest.mark.parametrize("fault", ALL)
def test_a_fault_of_the_surroundings(fault: Fault, tmp_path: Path) -> None:
    process.prepare(tmp_path)
    if fault.needs and shell(tmp_path, fault.needs).status != 0:
        pytest.skip(f"here cannot be done: {fault.needs}")
    prepared = shell(tmp_path, fault.before or "true")
    assert prepared.status == 0, prepared.stderr
    before = files(tmp_path / "pods")
    done = shell(tmp_path, fault.line)
    assert done.status == fault.status, done
    assert fault.says in done.stderr
    no_surprise(done.stderr)
    assert done.seconds < SECONDS
    if fault.status:
        assert files(tmp_path / "pods") == before
    assert not list(tmp_path.rglob(".sidecar-plugin-*"))
    if fault.then:
        after = shell(tmp_path, fault.then)
        assert after.status == 0, after

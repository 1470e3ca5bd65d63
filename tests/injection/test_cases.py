"""The folders of tests/injection/cases: input.yaml and config.yaml in, expected.yaml out (or error.txt, for what is refused).

To add a case, make a folder with input.yaml and config.yaml (no config.yaml: the settings are in the input), run
`UPDATE_CASES=1 pytest tests/injection/test_cases.py` and read what it wrote.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
REFUSED = [case for case in CASES if (case / "error.txt").exists()]
DONE = [case for case in CASES if case not in REFUSED]
UPDATE = bool(os.environ.get("UPDATE_CASES"))


def run(case: Path, data: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "sidecar_plugin", *words]
    return subprocess.run(command, input=data, capture_output=True, cwd=case, check=False)


def config(case: Path) -> list[str]:
    return ["--config", "config.yaml"] if (case / "config.yaml").exists() else []


def name(case: Path) -> str:
    return case.name


def without_settings(case: Path) -> bytes:
    """Return the input less its SidecarInjection documents, which are taken out: what a run with nothing to add gives."""
    data = (case / "input.yaml").read_bytes()
    done = run(case, data, *config(case), "--set", "targets[0].kinds={NoSuchKind*}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", DONE, ids=name)
def test_case(case: Path) -> None:
    done = run(case, (case / "input.yaml").read_bytes(), *config(case))
    assert done.returncode == 0, done.stderr.decode()
    if UPDATE:
        (case / "expected.yaml").write_bytes(done.stdout)
    assert done.stdout.decode() == (case / "expected.yaml").read_bytes().decode()


@pytest.mark.parametrize("case", DONE, ids=name)
def test_a_second_run_changes_nothing(case: Path) -> None:
    expected = (case / "expected.yaml").read_bytes()
    assert run(case, expected, *config(case)).stdout.decode() == expected.decode()


@pytest.mark.parametrize("case", [case for case in DONE if case.name != "targets-exclude-and-annotations"], ids=name)
def test_uninject_gives_back_the_input(case: Path) -> None:
    back = run(case, (case / "expected.yaml").read_bytes(), "uninject", "-")
    assert back.stdout.decode() == without_settings(case).decode()


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_refusal(case: Path) -> None:
    done = run(case, (case / "input.yaml").read_bytes(), *config(case))
    assert (done.returncode, done.stdout) == (1, b"")
    if UPDATE:
        (case / "error.txt").write_bytes(done.stderr)
    assert done.stderr.decode() == (case / "error.txt").read_text()

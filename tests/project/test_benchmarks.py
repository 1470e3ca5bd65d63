"""The benchmarks run, compare what was added, and print their tables; no figure is judged but the grossest."""

import subprocess
import sys

import pytest

from tests.support.real_tools import ROOT

pytestmark = pytest.mark.e2e


def test_the_quick_run_prints_every_table_and_leaves_the_page_alone() -> None:
    page = ROOT / "docs" / "performance.md"
    before = page.read_bytes()
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "run.py", "--quick"], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    for title in (
        "A chart of 20",
        "Beside a kustomize patch",
        "Beside istioctl",
        "As the stream grows",
        "As agents are added",
        "As one document",
    ):
        assert title in done.stdout
    assert page.read_bytes() == before

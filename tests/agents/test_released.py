"""A new version of the program rolls no pods: it renders the same bytes for the same settings, or the change log says so.

`released/VERSION/AGENT-CLUSTER.yaml` is what a version renders. Those of the present version follow the program
(UPDATE_CASES=1); those of an earlier one are never written again. What an earlier version rendered otherwise is named, as
`AGENT-CLUSTER`, below the heading "Rolls pods" in the section of CHANGELOG.md that changed it.
"""

import os
import re
from pathlib import Path

import pytest
from packaging.version import Version

import sidecar_plugin
from tests.support.command import run

ROOT = Path(__file__).parents[2]
RELEASED = Path(__file__).parent / "released"
CLUSTERS = ("1.28", "1.30")
PRESENT = sidecar_plugin.__version__
ALL_CASES = sorted(
    f"{path.parent.name}-{cluster}" for path in (ROOT / "templates").glob("*/agent.yaml.j2") for cluster in CLUSTERS
)
# A new agent is a folder and nothing else: it gets its renderings when the cases are updated, at the latest for a release.
PRESENT_CASES = (
    ALL_CASES if os.environ.get("UPDATE_CASES") else sorted(path.stem for path in (RELEASED / PRESENT).glob("*.yaml"))
)


def rendered(case: str) -> str:
    """Return what the program renders of a case."""
    agent, _, cluster = case.rpartition("-")
    options = (f"--cluster-version={cluster}", "--report=none", "--set", f"agents.{agent}.enabled=true")
    done = run("inject", *options, str(ROOT / "examples" / "plain" / "manifests"))
    assert done.status == 0, done.stderr
    return done.stdout.decode()


def rolling(changelog: str, since: str) -> set[str]:
    """Return the cases that the change log names under "Rolls pods" in versions later than one."""
    named = set()
    for section in re.split(r"(?m)^## ", changelog)[1:]:
        version = re.match(r"\[(\d[^\]]*)\]", section)
        if version and Version(version[1]) <= Version(since):
            continue
        for part in re.split(r"(?m)^### ", section)[1:]:
            if part.startswith("Rolls pods\n"):
                named |= set(re.findall(r"`([\w-]+-\d+\.\d+)`", part))
    return named


def unannounced(version: str, changelog: str) -> list[str]:
    """Return the cases of an earlier version that changed without a word in the change log."""
    goldens = {path.stem: path.read_text() for path in (RELEASED / version).glob("*.yaml")}
    changed = {case for case, text in goldens.items() if rendered(case) != text}
    return sorted(changed - rolling(changelog, version))


@pytest.mark.parametrize("version", sorted(path.name for path in RELEASED.iterdir() if path.name != PRESENT) or [PRESENT])
def test_an_upgrade_rolls_no_pods_unless_the_change_log_says_so(version: str) -> None:
    changed = unannounced(version, (ROOT / "CHANGELOG.md").read_text())
    assert changed == [], f"rendered otherwise than by {version}: name them under `### Rolls pods` in CHANGELOG.md"


@pytest.mark.parametrize("case", PRESENT_CASES)
def test_the_present_version_has_its_renderings(case: str) -> None:
    golden = RELEASED / PRESENT / f"{case}.yaml"
    text = rendered(case)
    if os.environ.get("UPDATE_CASES"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text(), "a version that is not released yet: UPDATE_CASES=1, and read what changed"


CHANGES = """\
# Changelog
## [Unreleased]
### Rolls pods
- `proxy-1.30`: another image.
### Added
- `logging-1.30` is no matter here.
## [0.2.0] - 2026-01-01
### Rolls pods
- `logging-1.28`, `monitoring-1.30`
## [0.1.0] - 2025-01-01
### Rolls pods
- `proxy-1.28`
"""


def test_the_change_log_is_read_from_the_version_on() -> None:
    assert rolling(CHANGES, "0.1.0") == {"proxy-1.30", "logging-1.28", "monitoring-1.30"}
    assert rolling(CHANGES, "0.2.0") == {"proxy-1.30"}


def test_a_rendering_that_changed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one byte; and not where the change log names it."""
    monkeypatch.setitem(globals(), "RELEASED", tmp_path)
    (tmp_path / "0.0.1").mkdir()
    for case in ("proxy-1.30", "logging-1.30"):
        (tmp_path / "0.0.1" / f"{case}.yaml").write_text(rendered(case))
    assert unannounced("0.0.1", "") == []
    (tmp_path / "0.0.1" / "proxy-1.30.yaml").write_text(rendered("proxy-1.30") + "\n")
    assert unannounced("0.0.1", "") == ["proxy-1.30"]
    assert unannounced("0.0.1", CHANGES) == []

"""What `export-policy --no-opt-out` prints does on a real API server: no pod leaves itself out."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from sidecar_plugin.injection.marker import INJECTED
from tests.cluster.conftest import Cluster
from tests.cluster.test_export_policy import (
    FLAGS,
    FULL_POD,
    POD,
    TWO_AGENTS,
    annotated,
    created,
    in_force,
    names,
    refused_or_not,
)
from tests.support.command import run

FORGED = annotated(INJECTED, "{}")
WITH_AGENTS = FORGED.replace("    image: web:1\n", "    image: web:1\n  - name: audit\n    image: audit:0.9\n")


@pytest.fixture(scope="module")
def without_choice(new_api_server: Callable[..., AbstractContextManager[Cluster]]) -> Iterator[Cluster]:
    """An API server with a policy of which no pod can leave itself out."""
    with new_api_server(*FLAGS) as server, in_force(server, *TWO_AGENTS, "--no-opt-out"):
        yield server


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        pytest.param(annotated("sidecar-plugin.dev/inject", "false"), "is not allowed here", id="left out by annotation"),
        pytest.param(annotated("sidecar-plugin.dev/agents", ""), "must name all of audit, second", id="none by annotation"),
        pytest.param(annotated("sidecar-plugin.dev/agents", "second"), "must name all of", id="one by annotation"),
        pytest.param(FORGED, "without the container audit", id="a forged marker"),
        pytest.param(WITH_AGENTS.replace("audit:0.9", "other:1"), "without the container audit", id="another image"),
        pytest.param(WITH_AGENTS.replace("app: web", "tier: front"), "without the container second", id="own targets"),
    ],
)  # fmt: skip
def test_no_pod_leaves_itself_out(without_choice: Cluster, pod: str, message: str) -> None:
    said = refused_or_not(without_choice, pod)
    assert "ValidatingAdmissionPolicy 'sidecar-plugin'" in said
    assert message in said


def test_what_the_settings_leave_out_stays_out_and_what_is_rendered_is_taken(without_choice: Cluster) -> None:
    assert names(created(without_choice, POD.replace("app: web", 'legacy: "1"'))) == []
    assert names(created(without_choice, POD)) == ["audit"]
    rendered = run(*TWO_AGENTS, "--report", "none", stdin=FULL_POD).stdout
    assert created(without_choice, rendered)["metadata"]["annotations"][INJECTED]
    assert "denied" not in refused_or_not(without_choice, WITH_AGENTS)

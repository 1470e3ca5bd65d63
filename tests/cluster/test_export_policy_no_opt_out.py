"""What `export-policy --no-opt-out` prints does on a real API server: no pod leaves itself out."""

from collections.abc import Iterator

import pytest

from sidecar_plugin.injection.marker import INJECTED
from tests.cluster.test_export_policy import (
    ENGINES,
    FULL_POD,
    POD,
    TWO_AGENTS,
    Engine,
    NewServer,
    an_engine,
    annotated,
    created,
    in_force,
    names,
    refused_or_not,
)
from tests.support.command import run

FORGED = annotated(INJECTED, "{}")
WITH_AGENTS = FORGED.replace("    image: web:1\n", "    image: web:1\n  - name: audit\n    image: audit:0.9\n")


@pytest.fixture(scope="module", params=ENGINES)
def without_choice(
    request: pytest.FixtureRequest, new_api_server: NewServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An API server with a policy of which no pod can leave itself out."""
    with (
        an_engine(request.param, new_api_server, tmp_path_factory.mktemp("engine")) as engine,
        in_force(engine, *TWO_AGENTS, "--no-opt-out"),
    ):
        yield engine


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
def test_no_pod_leaves_itself_out(without_choice: Engine, pod: str, message: str) -> None:
    said = refused_or_not(without_choice.server, pod)
    assert without_choice.refuses in said
    assert message in said


def test_what_the_settings_leave_out_stays_out_and_what_is_rendered_is_taken(without_choice: Engine) -> None:
    assert names(created(without_choice.server, POD.replace("app: web", 'legacy: "1"'))) == []
    assert names(created(without_choice.server, POD)) == ["audit"]
    rendered = run(*TWO_AGENTS, "--report", "none", stdin=FULL_POD).stdout
    assert created(without_choice.server, rendered)["metadata"]["annotations"][INJECTED]
    assert "denied" not in refused_or_not(without_choice.server, WITH_AGENTS)

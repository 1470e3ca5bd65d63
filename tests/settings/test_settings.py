"""Settings of several sources: what counts as not given, where a mistake is reported, and which kinds selectors may name."""

from pathlib import Path

import pytest

from sidecar_plugin.settings.layers import Layer
from sidecar_plugin.settings.settings import merge_layers
from tests.support.command import SETTINGS, run

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: "web:1"}]}}}
"""


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_cluster_version_leaves_that_of_a_weaker_source(empty: str | None) -> None:
    """A chart renders it empty where its value is."""
    layers = [Layer("weak", {"clusterVersion": "1.30"}), Layer("strong", {"clusterVersion": empty})]
    assert str(merge_layers(layers).cluster_version) == "1.30"


@pytest.mark.parametrize(
    ("path", "is_set"),
    [
        (["exclude"], True),
        (["exclude", 1], True),
        (["exclude", 1, "names", 0], True),
        (["exclude", 2], False),
        (["names"], False),
    ],
)
def test_a_layer_says_whether_it_sets_a_value(path: list[str | int], is_set: bool) -> None:
    assert Layer("values.yaml", {"exclude": [{}, {"names": ["web"]}]}).has(path) is is_set


def _run(spec: str, tmp_path: Path) -> tuple[int, str]:
    config = tmp_path / "config.yaml"
    config.write_text(f"apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {{name: x}}\nspec: {spec}\n")
    done = run("inject", *SETTINGS, "--config", str(config), "-", stdin=DEPLOYMENT)
    return done.status, done.stderr


def test_exclude_may_name_a_kind_that_is_not_known(tmp_path: Path) -> None:
    """That is how to silence the report of one."""
    assert _run("{exclude: [{kinds: [Frobnicator]}]}", tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("spec", "field", "hint"),
    [
        ("{exclude: [{kinds: [Deploymnt]}]}", "exclude.0.kinds.0", 'did you mean "Deployment"'),
        ("{agents: {agent: {targets: [{kinds: [Frobnicator]}]}}}", "agents.agent.targets.0.kinds.0", "name it under workloads"),
        (
            "{agents: {agent: {targets: [{kinds: [Job, Deploymnt]}]}}}",
            "agents.agent.targets.0.kinds.1",
            'did you mean "Deployment"',
        ),
    ],
)
def test_a_kind_that_nothing_can_match_is_an_error(spec: str, field: str, hint: str, tmp_path: Path) -> None:
    status, message = _run(spec, tmp_path)
    assert status == 1
    assert "there is no workload kind" in message
    assert hint in message
    assert field in message or field.replace(".0", "[0]").replace(".1", "[1]") in message

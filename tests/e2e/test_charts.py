"""The library chart in a real Helm: its schema, and charts of charts."""

import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, ROOT, Helm
from tests.e2e.rendered import sidecars
from tests.e2e.test_helm import as_one_line

WEB = EXAMPLES / "web"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("sidecars.platfrom=acs", "'platfrom' not allowed"),
        ("sidecars.platform=moon", "'acs', 'kubernetes'"),
        ("sidecars.agents.logging.enabled=maybe", "/agents/logging/enabled"),
        ("sidecars.agents.logging.logLevel=loud", "'error', 'warn', 'info', 'debug'"),
    ],
    ids=["unknown-key", "unknown-platform", "no-switch", "agents-value"],
)
@pytest.mark.parametrize("post_rendered", [True, False])
def test_helm_itself_refuses_a_wrong_value(helm: Helm, values: str, words: str, post_rendered: bool) -> None:
    options = ("--kube-version=1.30", "--set", values)
    plain = (helm.program, "template", "shop", WEB, *options)
    done = helm.run("template", WEB, *options) if post_rendered else helm.shell.run(*plain)
    assert done.status == 1
    assert "sidecars:" in done.stderr
    assert words in done.stderr
    assert done.stdout == ""


def test_an_agent_that_there_is_not_is_refused_with_key_and_template(helm: Helm) -> None:
    done = helm.run("template", WEB, "--kube-version=1.30", "--set", "sidecars.agents.loging.enabled=true")
    assert done.status == 1
    for words in ("sidecars.agents.loging", "web/templates/sidecars.yaml", 'did you mean "logging"'):
        assert words in as_one_line(done.stderr)


def test_no_values_at_all_are_no_agents(helm: Helm) -> None:
    rendered = helm.template(WEB, "--kube-version=1.30", "--set", "sidecars=null")
    assert set(map(str, sidecars(rendered).values())) == {"{}"}


def test_a_version_given_wins_over_helms(helm: Helm) -> None:
    rendered = helm.template(WEB, "--kube-version=1.30", "--set", "sidecars.clusterVersion=1.28")
    assert sidecars(rendered)["Deployment/shop-web"] == {"logging": "acs"}


@pytest.fixture
def umbrella(helm: Helm, tmp_path: Path) -> Path:
    """The umbrella chart, with its dependencies brought in by Helm."""
    for name in ("examples", "charts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    chart = tmp_path / "examples" / "umbrella"
    for folder in (chart / "charts" / "api", chart):
        helm.shell.output(helm.program, "dependency", "update", folder)
    return chart


@pytest.mark.parametrize(
    ("values", "web", "api"),
    [
        ([], {"logging"}, {"logging", "monitoring", "proxy"}),
        (["api.sidecars.agents.proxy.enabled=false"], {"logging"}, {"logging", "monitoring"}),
        (["api.sidecars.agents.logging.enabled=false"], {"logging"}, {"monitoring", "proxy"}),
        (["sidecars.agents.logging.enabled=false"], set(), {"monitoring", "proxy"}),
        (["sidecars=null"], set(), {"monitoring", "proxy"}),
        (["api.sidecars=null"], {"logging"}, {"logging"}),
    ],
    ids=["as-it-stands", "set-from-above", "the-nearest-wins", "above", "none-above", "none-below"],
)
def test_a_subcharts_sidecars_are_for_its_own_workloads(
    helm: Helm, umbrella: Path, values: list[str], web: set[str], api: set[str]
) -> None:
    options = [word for value in values for word in ("--set", value)]
    rendered = sidecars(helm.template(umbrella, "--kube-version=1.30", *options))
    assert {name: set(agents) for name, agents in rendered.items()} == {
        "Deployment/shop-web": web,
        "Deployment/shop-search": web,
        "Deployment/shop-api": api,
    }


def test_a_subcharts_wrong_value_is_named_as_it_is_set_from_above(helm: Helm, umbrella: Path) -> None:
    done = helm.run("template", umbrella, "--kube-version=1.30", "--set", "api.sidecars.agents.loging.enabled=true")
    assert done.status == 1
    assert "the value api.sidecars.agents.loging, rendered by umbrella/charts/api/templates" in as_one_line(done.stderr)


def test_without_the_plugin_a_chart_is_not_installed_by_mistake(helm: Helm) -> None:
    """The document is of a kind that no cluster knows; `helm template` shows it."""
    plain = helm.shell.output(helm.program, "template", "shop", WEB, "--kube-version=1.30")
    assert re.search(r"^kind: SidecarInjection$", plain, re.MULTILINE)

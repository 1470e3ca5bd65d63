"""The Helmfile of docs/recipes.md, run by the real Helmfile with each Helm (make test-recipes)."""

import shutil
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import ROOT, Helm, Outcome, Shell
from tests.e2e.console import File, run, steps, with_helm
from tests.support.real_tools import tool

pytestmark = pytest.mark.recipes
WITH_AGENT, WITHOUT = ["logging", "warm-cache"], ["warm-cache"]


@pytest.fixture
def helmfile(helm: Helm) -> Shell:
    """A shell in a folder with the recipe's file and the charts, which Helmfile writes into; its Helm is each of the two."""
    return _ready(helm)


def test_the_commands_run_and_write_what_is_shown(helm4: Helm) -> None:
    shell = _ready(helm4)
    commands = [step for step in steps(ROOT / "docs/recipes.md") if not isinstance(step, File) and step.helm == "helmfile"]
    assert commands
    for command in commands:
        run(shell, command)


@pytest.mark.parametrize(("value", "init"), [((), WITH_AGENT), (("--state-values-set", "logging=false"), WITHOUT)])
def test_a_value_switches_the_agent_of_the_chart_with_the_library_chart(
    helmfile: Shell, helm: Helm, value: tuple[str, ...], init: list[str]
) -> None:
    done = _template(helmfile, helm, *value)
    assert done.status == 0, done.stderr
    rendered = {one["kind"]: one for one in yaml.safe_load_all(done.stdout) if one}
    assert "SidecarInjection" not in rendered
    assert _init(rendered["Deployment"]) == init
    assert _init(rendered["StatefulSet"]) == ["logging"], "the other chart's settings are the arguments"


def test_a_mistake_is_told_with_its_remedy_and_nothing_is_rendered(helmfile: Shell, helm: Helm) -> None:
    done = _template(helmfile, helm, "--set", "sidecars.agents.loging.enabled=true")
    assert done.status == 1
    assert 'agents.loging: there is no agent "loging"; did you mean "logging"?' in done.stderr.replace("\\", "")
    assert done.stdout == ""


def _ready(helm: Helm) -> Shell:
    tool("helmfile")
    shell = helm.shell
    for name in ("examples", "charts"):  # Helmfile packs the library chart, a dependency
        shutil.copytree(ROOT / name, shell.folder / name)
    [text] = [one.text for one in steps(ROOT / "docs/recipes.md") if isinstance(one, File) and "helmfile" in one.name]
    (shell.folder / "helmfile.yaml.gotmpl").write_text(text)
    return with_helm(shell, helm.program)


def _template(helmfile: Shell, helm: Helm, *options: str) -> Outcome:
    return helmfile.run("helmfile", "template", "--quiet", "--post-renderer", helm.post_renderer, *options)


def _init(workload: dict[str, Any]) -> list[str]:
    return [one["name"] for one in workload["spec"]["template"]["spec"].get("initContainers", ())]

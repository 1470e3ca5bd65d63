"""The files of docs/recipes.md, run as far as their tools can be had."""

import shutil
from dataclasses import replace

import pytest
import yaml

from tests.e2e.conftest import EXAMPLES, ROOT, Shell
from tests.e2e.console import File, steps, with_helm
from tests.support import real_tools


@pytest.mark.parametrize(("parameter", "injected"), [({}, True), ({"PARAM_LOGGING": "false"}, False)])
def test_argo_cds_generate_command_injects_as_the_parameter_says(
    shell: Shell, parameter: dict[str, str], injected: bool
) -> None:
    done = _generate(shell, {"KUBE_VERSION": "1.30.2", **parameter})
    assert done.status == 0, done.stderr
    [deployment] = [one for one in yaml.safe_load_all(done.stdout) if one and one["kind"] == "Deployment"]
    containers = deployment["spec"]["template"]["spec"]["initContainers"]
    assert any(one.get("restartPolicy") == "Always" for one in containers) is injected
    assert deployment["metadata"]["name"].startswith("shop")


def test_argo_cds_generate_command_fails_when_helm_does(shell: Shell) -> None:
    done = _generate(shell, {"KUBE_VERSION": "none"})
    assert done.status != 0
    assert done.stdout == ""


def _generate(shell: Shell, environment: dict[str, str]) -> real_tools.Outcome:
    [text] = [one.text for one in steps(ROOT / "docs/recipes.md") if isinstance(one, File) and one.name == "argocd/plugin.yaml"]
    generate = yaml.safe_load(text)["spec"]["generate"]
    chart = shell.folder / "web"
    shutil.copytree(EXAMPLES / "web", chart)
    of_argo = {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_NAMESPACE": "web", **environment}
    ready = with_helm(shell, real_tools.tool("helm3"))
    ready = replace(ready, folder=chart, environment={**ready.environment, **of_argo})
    return ready.run(*generate["command"], *generate["args"])

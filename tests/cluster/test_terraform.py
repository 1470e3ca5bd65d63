"""The Terraform recipe of docs/recipes.md, run by OpenTofu on a real API server, and the live objects read back."""

import json
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.conftest import ROOT, Cluster
from tests.cluster.releases import Releases, containers
from tests.e2e.console import Command, File, run, steps
from tests.support.real_tools import Outcome, Shell, environment, tool, version_of

KINDS = ("deployments", "cronjobs", "configmaps", "services")
DEPLOYMENT, CRON_JOB = "Deployment/shop-web", "CronJob/shop-clean-up"
GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
OVERRIDE = """
resource "helm_release" "shop" {
  namespace        = "NAMESPACE"
  wait             = false  # nobody starts pods here
  disable_webhooks = true   # nor ends the Job that is the chart's hook
  MORE
}
"""
WRONG = """
  set {
    name  = "sidecars.agents.loging.enabled"
    value = true
  }
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The recipe's folder; an override file adds to `main.tf` what an API server without nodes needs."""

    shell: Shell
    releases: Releases

    def override(self, more: str = "") -> None:
        """Write the override file, with more for the release."""
        text = OVERRIDE.replace("NAMESPACE", self.releases.namespace).replace("MORE", more)
        (self.shell.folder / "override.tf").write_text(text)

    def apply(self, *options: str) -> Outcome:
        """Run `tofu apply`, to whatever end."""
        return self.shell.run("tofu", "apply", "-auto-approve", *options)


@pytest.fixture
def recipe(api_server: Cluster, tmp_path: Path) -> Recipe:
    """The provider comes from a mirror in the file system, as on a machine that reaches no registry."""
    home = tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    (home / ".kube/config").symlink_to(api_server.kubeconfig)
    tool("tofu")
    shutil.copytree(ROOT / "examples/web", tmp_path / "examples/web")
    [text] = [one.text for one in steps(ROOT / "docs/recipes.md") if isinstance(one, File) and one.name == "main.tf"]
    (tmp_path / "main.tf").write_text(text)
    mirror = tmp_path / "mirror"
    (tmp_path / "tofurc").write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')
    variables = {**environment(home), "TF_CLI_CONFIG_FILE": str(tmp_path / "tofurc"), "TF_CLI_ARGS": "-no-color"}
    shell = Shell(variables, tmp_path)
    _bring_provider(shell, mirror)
    recipe = Recipe(shell, Releases("helm3", home, api_server, api_server.namespace()))
    recipe.override()
    return recipe


def _bring_provider(shell: Shell, mirror: Path) -> None:
    """Put the provider where OpenTofu looks for what the recipe asks for."""
    asked = re.search(r"provider\[(\S+)\]", shell.output("tofu", "providers"))
    assert asked
    version = version_of("terraform-provider-helm")
    folder = mirror / asked[1] / version / f"linux_{GO_NAMES[platform.machine()]}"
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-helm_v{version}").symlink_to(tool("terraform-provider-helm"))


def test_the_commands_run_and_write_what_is_shown(recipe: Recipe) -> None:
    """On, off without a trace, and off again, which changes nothing."""
    init, on, off, again = _commands()
    run(recipe.shell, init)
    run(recipe.shell, on)
    live = recipe.releases.live(*KINDS)
    assert containers(live[DEPLOYMENT]) == {"logging": "native", "warm-cache": "init", "web": "regular"}
    assert containers(live[CRON_JOB]) == {"logging": "native", "clean-up": "regular"}

    run(recipe.shell, off)
    bare = recipe.releases.live(*KINDS)
    assert containers(bare[DEPLOYMENT]) == {"warm-cache": "init", "web": "regular"}
    assert {name for name in live if live[name] != bare[name]} == {DEPLOYMENT, CRON_JOB}
    for trace in ("sidecar-plugin", "fluent-bit"):
        assert trace not in json.dumps(bare)

    run(recipe.shell, again)
    assert recipe.releases.live(*KINDS) == bare


def test_a_mistake_fails_apply_with_its_remedy_and_leaves_the_release(recipe: Recipe) -> None:
    run(recipe.shell, _commands()[0])
    assert recipe.apply().status == 0
    live = recipe.releases.live(*KINDS)

    recipe.override(WRONG)
    assert recipe.shell.run("tofu", "plan").status == 0, "as the recipe says"
    done = recipe.apply()
    assert done.status == 1
    assert 'agents.loging: there is no agent "loging"; did you mean "logging"?' in " ".join(done.stderr.split())
    assert recipe.releases.live(*KINDS) == live

    recipe.override()
    assert recipe.apply().status == 0
    assert recipe.releases.live(*KINDS) == live


def _commands() -> list[Command]:
    return [step for step in steps(ROOT / "docs/recipes.md") if isinstance(step, Command) and step.helm == "tofu"]

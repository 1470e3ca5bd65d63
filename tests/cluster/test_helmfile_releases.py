"""The Helmfile of docs/recipes.md on a real API server: releases made by `helmfile sync`, and the live objects read back."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.conftest import ROOT, Cluster
from tests.cluster.releases import Releases, containers
from tests.e2e.console import File, steps, with_helm
from tests.support.real_tools import Outcome, Shell, base_of, environment, helm4_homes, tool

KINDS = ("deployments", "cronjobs", "configmaps", "services", "statefulsets")
DEPLOYMENT, CRON_JOB, INDEX = "Deployment/shop-web", "CronJob/shop-clean-up", "StatefulSet/find-index"
NO_HOOKS = "--sync-args=--no-hooks"  # examples/web has one, a Job: nothing runs here that would end it


@dataclass(frozen=True, slots=True)
class Recipe:
    """The recipe's folder, with one of the two Helms."""

    shell: Shell
    post_renderer: str
    releases: Releases

    def sync(self, *options: str) -> Outcome:
        """Run `helmfile sync`, to whatever end."""
        words = ("--post-renderer", self.post_renderer, NO_HOOKS, *options)
        return self.shell.run("helmfile", "--namespace", self.releases.namespace, "sync", *words)


@pytest.fixture(params=["helm3", "helm4"])
def recipe(
    request: pytest.FixtureRequest, api_server: Cluster, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Recipe:
    tool("helmfile")
    of_helm4: Mapping[str, str] = helm4_homes(base_of(tmp_path_factory)) if request.param == "helm4" else {}
    home = tmp_path / "home"
    home.mkdir()
    for name in ("examples", "charts"):  # Helmfile packs the library chart, a dependency
        shutil.copytree(ROOT / name, tmp_path / name)
    [text] = [one.text for one in steps(ROOT / "docs/recipes.md") if isinstance(one, File) and "helmfile" in one.name]
    (tmp_path / "helmfile.yaml.gotmpl").write_text(text)
    variables = {**environment(home), "KUBECONFIG": str(api_server.kubeconfig), **of_helm4}
    shell = with_helm(Shell(variables, tmp_path), tool(request.param))
    name = "sidecar" if request.param == "helm4" else "sidecar-plugin"
    return Recipe(shell, name, Releases(request.param, home, api_server, api_server.namespace()))


def test_a_value_toggles_the_agent_of_a_release(recipe: Recipe) -> None:
    """Off, on, a mistake that changes nothing, off again without a trace."""
    releases = recipe.releases
    done = recipe.sync("--state-values-set", "logging=false")
    assert done.status == 0, done.stderr
    bare = releases.live(*KINDS)
    assert containers(bare[DEPLOYMENT]) == {"warm-cache": "init", "web": "regular"}
    assert containers(bare[INDEX]) == {"logging": "native", "index": "regular"}, "its settings are arguments"

    assert recipe.sync().status == 0
    live = releases.live(*KINDS)
    assert containers(live[DEPLOYMENT]) == {"logging": "native", "warm-cache": "init", "web": "regular"}
    assert {name for name in live if live[name] != bare[name]} == {DEPLOYMENT, CRON_JOB}

    done = recipe.sync("--set", "sidecars.agents.loging.enabled=true", "--selector", "name=shop")
    assert done.status == 1
    assert 'there is no agent "loging"; did you mean "logging"?' in done.stderr.replace("\\", "")
    assert releases.live(*KINDS) == live

    assert recipe.sync("--state-values-set", "logging=false").status == 0
    assert releases.live(*KINDS) == bare
    assert "sidecar-plugin" not in json.dumps([bare[DEPLOYMENT], bare[CRON_JOB]])

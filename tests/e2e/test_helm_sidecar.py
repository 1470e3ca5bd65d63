"""`helm sidecar`: the plugin as `helm plugin install` leaves it in a real Helm 3 and a real Helm 4."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES
from tests.e2e.rendered import sidecars
from tests.support.real_tools import ROOT, Outcome, Shell, alone

UNTOUCHED = EXAMPLES / "untouched-chart"
VALUES = UNTOUCHED / "sidecars.yaml"
INDEX = "StatefulSet/find-index"
FOLDERS = {"helm3": "sidecar-helm3", "helm4": "sidecar-helm4"}
NAMES = {"helm3": "sidecar", "helm4": "sidecar-cli"}


@dataclass(frozen=True, slots=True)
class HelmSidecar:
    """A Helm that has the plugin and nothing else of ours: the program is not on its $PATH."""

    program: Path
    shell: Shell

    def run(self, *words: str | Path) -> Outcome:
        """Run `helm sidecar`, to whatever end."""
        return self.shell.run(self.program, "sidecar", *words)

    def template(self, *words: str | Path) -> str:
        """Return what `helm sidecar template find` of the chart gives."""
        return self.shell.output(self.program, "sidecar", "template", "find", UNTOUCHED, *words)


def homes(base: Path) -> dict[str, str]:
    return {f"HELM_{name}_HOME": str(base / name.lower()) for name in ("DATA", "CONFIG", "CACHE")}


@pytest.fixture(scope="session", params=["helm3", "helm4"])
def installed(
    request: pytest.FixtureRequest, tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Mapping[str, str]]:
    """Each of the two Helms, and the folders into which the plugin was installed, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    base = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"sidecar-{request.param}"
    base.mkdir(exist_ok=True)
    environment = homes(base / "homes")
    with alone(base):
        if not (base / "homes").exists():
            done = subprocess.run(
                (tool(request.param), "plugin", "install", ROOT / "helm-plugins" / FOLDERS[request.param]),
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                pytest.fail(f"{done.stdout}{done.stderr}", pytrace=False)
    return tool(request.param), environment


@pytest.fixture
def helm(installed: tuple[Path, Mapping[str, str]], shell: Shell) -> HelmSidecar:
    program, environment = installed
    return HelmSidecar(program, replace(shell, environment={**shell.environment, "PATH": os.environ["PATH"], **environment}))


def test_agents_come_from_the_values(helm: HelmSidecar) -> None:
    assert sidecars(helm.template("-f", VALUES)) == {INDEX: {"logging": "native"}}


def test_a_chart_without_such_values_is_left_as_it_is(helm: HelmSidecar) -> None:
    plain = helm.shell.output(helm.program, "template", "find", UNTOUCHED)
    assert helm.template().split() == plain.split()


@pytest.mark.parametrize(
    ("words", "agents"),
    [
        (["--set", "sidecars.agents.logging.enabled=true"], {"logging": "acs"}),
        (["--set=sidecars.agents.logging.enabled=true,sidecars.clusterVersion=1.30"], {"logging": "native"}),
        (["--set-json", 'sidecars.agents={"proxy":{"enabled":true}}'], {"proxy": "acs"}),
        (
            ["--set-string", "sidecars.clusterVersion=1.30", "--set", "sidecars.agents.logging.enabled=true"],
            {"logging": "native"},
        ),
        ([f"-f{VALUES}", "--set", "sidecars.agents.logging.enabled=false"], {}),
        ([f"-f={VALUES}", "--set", "sidecars.clusterVersion=1.28"], {"logging": "acs"}),
        (["--values", str(VALUES), "--set", "sidecars=null"], {}),
        (["--sidecar-key=ours", "--set", "ours.agents.proxy.enabled=true", "-f", str(VALUES)], {"proxy": "acs"}),
    ],
    ids=["set", "set-several", "set-json", "set-string", "set-wins", "version", "null", "another-key"],
)
def test_values_are_what_helm_makes_of_its_flags(helm: HelmSidecar, words: list[str], agents: dict[str, str]) -> None:
    assert sidecars(helm.template("--kube-version=1.28", *words))[INDEX] == agents


def test_values_from_standard_input(helm: HelmSidecar) -> None:
    command = f"'{helm.program}' sidecar template find '{UNTOUCHED}' -f - < '{VALUES}'"
    assert sidecars(helm.shell.output("sh", "-c", command)) == {INDEX: {"logging": "native"}}


def test_the_charts_own_values_count(helm: HelmSidecar, tmp_path: Path) -> None:
    chart = copied(tmp_path)
    (chart / "values.yaml").write_text((UNTOUCHED / "values.yaml").read_text() + VALUES.read_text())
    assert sidecars(helm.shell.output(helm.program, "sidecar", "template", "find", chart)) == {INDEX: {"logging": "native"}}


def copied(folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(UNTOUCHED, folder / "chart"))


def test_a_chart_that_uses_the_library_chart_is_as_with_the_post_renderer(helm: HelmSidecar) -> None:
    words = ("sidecar", "template", "shop", EXAMPLES / "web", "--kube-version=1.30")
    rendered = sidecars(helm.shell.output(helm.program, *words, "--set", "sidecars.agents.monitoring.enabled=true"))
    assert rendered["Deployment/shop-web"] == {"logging": "native", "monitoring": "native"}


def test_a_packed_chart(helm: HelmSidecar, tmp_path: Path) -> None:
    helm.shell.output(helm.program, "package", UNTOUCHED, "--destination", tmp_path)
    packed = tmp_path / "untouched-1.0.0.tgz"
    assert sidecars(helm.shell.output(helm.program, "sidecar", "template", "find", packed, "-f", VALUES)) == {
        INDEX: {"logging": "native"}
    }


def test_agents_of_a_folder(helm: HelmSidecar, tmp_path: Path) -> None:
    agent = tmp_path / "agents" / "hello"
    agent.mkdir(parents=True)
    (agent / "agent.yaml.j2").write_text("container: {name: hello, image: 'hello:{{ values.tag }}'}\n")
    (agent / "values.yaml").write_text("tag: '1'\n")
    words = ("--kube-version=1.30", "--set", "sidecars.agents.hello.enabled=true,sidecars.agents.hello.tag=two")
    assert "image: hello:two" in helm.template(*words, "--sidecar-templates", tmp_path / "agents")


def test_the_report_and_warnings_reach_the_user(helm: HelmSidecar) -> None:
    words = ("-f", VALUES, "--set", "sidecars.declaration=acs")
    done = helm.run("template", "find", UNTOUCHED, *words)
    assert "StatefulSet/find-index  logging  acs" in done.stderr
    assert "sidecar-plugin: warning: " in done.stderr
    report = helm.run("template", "find", UNTOUCHED, "-f", VALUES, "--sidecar-report=json").stderr
    assert json.loads(report)["workloads"][0]["name"] == "find-index"
    strict = helm.run("template", "find", UNTOUCHED, *words, "--sidecar-strict")
    assert (strict.status, strict.stdout) == (1, "")
    assert "--strict makes it an error" in " ".join(strict.stderr.replace("\\\n", "").split())


def test_a_wrong_value_in_a_file_names_the_place(helm: HelmSidecar, tmp_path: Path) -> None:
    wrong = tmp_path / "prod.yaml"
    wrong.write_text("image: x\nsidecars:\n  agents:\n    loging:\n      enabled: true\n")
    done = helm.run("template", "find", UNTOUCHED, "-f", VALUES, "-f", wrong)
    assert (done.status, done.stdout) == (1, "")
    assert f'{wrong}:5:7: agents.loging: there is no agent "loging"; did you mean "logging"?' in done.stderr


def test_a_wrong_value_in_the_charts_own_values_names_the_place(helm: HelmSidecar, tmp_path: Path) -> None:
    chart = copied(tmp_path)
    (chart / "values.yaml").write_text("sidecars: {platfrom: acs}\n")
    done = helm.run("template", "find", chart)
    assert (done.status, done.stdout) == (1, "")
    assert f'{chart}/values.yaml:1:12: unknown key "platfrom"; did you mean "platform"?' in done.stderr


def test_a_wrong_value_in_a_flag_names_the_flag(helm: HelmSidecar) -> None:
    done = helm.run("template", "find", UNTOUCHED, "-f", VALUES, "--set", "sidecars.agents.loging.enabled=true")
    assert (done.status, done.stdout) == (1, "")
    for words in ('did you mean "logging"', "(in --set sidecars.agents.loging.enabled=true)"):
        assert words in done.stderr


def test_a_chart_whose_schema_takes_no_other_values(helm: HelmSidecar, tmp_path: Path) -> None:
    chart = copied(tmp_path)
    (chart / "values.schema.json").write_text('{"type": "object", "additionalProperties": false, "properties": {"image": {}}}')
    done = helm.run("template", "find", chart, "-f", VALUES)
    assert (done.status, done.stdout) == (1, "")
    assert "additional properties 'sidecars' not allowed" in done.stderr
    assert f"sidecar-plugin: {chart}/values.schema.json takes no value of the key sidecars" in done.stderr
    assert helm.run("template", "find", chart, "-f", VALUES, "--skip-schema-validation").status == 0
    unrelated = helm.run("template", "find", chart, "--set", "image=[]", "--no-such-flag")
    assert unrelated.status == 1
    assert "takes no value" not in unrelated.stderr


def test_a_list_that_is_the_charts_own_value_is_told_apart(helm: HelmSidecar) -> None:
    done = helm.run("template", "find", UNTOUCHED, "--set-json", "sidecars=[]")
    assert done.status == 1
    assert "--sidecar-key" in done.stderr


@pytest.mark.parametrize("own", ["[]", "[{name: mine, image: mine}]", '""', "{istio: {enabled: true}}"])
def test_a_chart_with_a_value_sidecars_of_its_own(own: str, helm: HelmSidecar, tmp_path: Path) -> None:
    """The message names the value's place and the flag; with that flag both are kept apart."""
    chart = copied(tmp_path)
    (chart / "values.yaml").write_text(f"sidecars: {own}\n" + (UNTOUCHED / "values.yaml").read_text())
    for words in (["-f", VALUES], ["--set", "sidecars.agents.logging.enabled=true"]):
        done = helm.run("template", "find", chart, "--kube-version=1.30", *words)
        assert (done.status, done.stdout) == (1, "")
        assert f"{chart}/values.yaml:1:" in done.stderr
        assert "put ours under another key, and name it by --sidecar-key" in done.stderr
    words = ("--sidecar-key=agents", "--set", "agents.agents.logging.enabled=true", "--kube-version=1.30")
    assert sidecars(helm.shell.output(helm.program, "sidecar", "template", "find", chart, *words)) == {
        INDEX: {"logging": "native"}
    }


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "say what to do: template, install, upgrade, diff"),
        (["tempalte", "find", "chart"], 2, 'did you mean "template"'),
        (["template"], 2, "say which chart"),
        (["upgrade", "find"], 2, "NAME CHART"),
        (["template", "find", str(UNTOUCHED), "--post-renderer", "other"], 2, "--post-renderer does not go with"),
        (["template", "find", str(UNTOUCHED), "--sidecar-report", "loud"], 2, "--sidecar-report"),
        (["template", "find", str(UNTOUCHED), "--no-such-flag"], 1, "unknown flag: --no-such-flag"),
        (["template", "find", "/no/such/chart"], 1, "/no/such/chart"),
        (["template", "find", str(UNTOUCHED), "-f", "/no/such/file"], 1, "/no/such/file"),
        (["template", "find", str(UNTOUCHED), "--set", "a.b"], 1, "--set"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_wrong_usage(helm: HelmSidecar, words: list[str], status: int, said: str) -> None:
    done = helm.run(*words)
    assert (done.status, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_help(helm: HelmSidecar) -> None:
    done = helm.run("--help")
    assert done.status == 0
    assert "helm sidecar upgrade NAME CHART" in done.stdout
    assert "--sidecar-key" in done.stdout
    assert "--dependency-update" in helm.run("upgrade", "--help").stdout


def test_no_secret_is_left_behind(helm: HelmSidecar, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    shell = replace(helm.shell, environment={**helm.shell.environment, "TMPDIR": str(folder)})
    shell.output(helm.program, "sidecar", "template", "find", UNTOUCHED, "-f", VALUES)
    assert list(folder.iterdir()) == []


def files_in_the_checkout() -> list[str]:
    """Return what git does not keep, without the bytecode that tests beside this one may write."""
    command = ("git", "status", "--short", "--ignored")
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if not line.endswith("__pycache__/")]


@pytest.mark.parametrize("version", ["helm3", "helm4"])
def test_installing_and_uninstalling_leave_nothing_behind(version: str, tool: Callable[[str], Path], shell: Shell) -> None:
    """Neither in Helm's folders, nor in the cache, nor in the checkout."""
    before = files_in_the_checkout()
    here = replace(shell, environment={**shell.environment, **homes(shell.folder / "helm"), "PATH": os.environ["PATH"]})
    program = tool(version)
    plugins = [(ROOT / "helm-plugins" / FOLDERS[version], NAMES[version])]
    if version == "helm4":
        plugins.append((ROOT, "sidecar"))
    for folder, name in plugins:
        assert "sidecar-plugin: ready." in here.output(program, "plugin", "install", folder)
        assert name in here.output(program, "plugin", "list")
    assert "logging" in here.output(program, "sidecar", "template", "find", UNTOUCHED, "-f", VALUES)
    cache = Path(here.environment["HOME"]) / ".cache" / "sidecar-plugin"
    assert list(cache.iterdir())
    for _, name in plugins:
        here.output(program, "plugin", "uninstall", name)
    assert list((shell.folder / "helm" / "data" / "plugins").iterdir()) == []
    assert not cache.exists()
    assert files_in_the_checkout() == before

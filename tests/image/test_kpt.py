"""The package examples/kpt, rendered by the real kpt: by the installed program, and by the image."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.image.conftest import IMAGE, Podman
from tests.support.real_tools import ROOT, Outcome, Shell, environment

EXAMPLE = ROOT / "examples" / "kpt"
pytestmark = pytest.mark.kpt


@dataclass(frozen=True, slots=True)
class Package:
    """A copy of the example, and a shell to render it in."""

    shell: Shell

    @property
    def folder(self) -> Path:
        return self.shell.folder

    def render(self, *options: str) -> Outcome:
        """Render with exec functions allowed, to whatever end; results go into the folder `results` beside the package."""
        return self.shell.run("kpt", "fn", "render", "--allow-exec", "--results-dir=../results", *options)

    def rendered(self, *options: str) -> dict[str, bytes]:
        """Render, which has to succeed, and return the package's files."""
        done = self.render(*options)
        assert done.status == 0, done.stderr
        return self.files()

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def results(self) -> list[dict]:
        """Return the results of the one function, as kpt read them."""
        [function] = yaml.safe_load((self.folder.parent / "results" / "results.yaml").read_text())["items"]
        return function.get("results", [])

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def package(tmp_path: Path) -> Package:
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder)
    (folder / "README.md").unlink()
    return Package(Shell(environment(tmp_path), folder))


def agents(workloads: bytes) -> dict[str, list[str]]:
    templates = ((one["kind"], one["spec"]["template"]["spec"]) for one in yaml.safe_load_all(workloads))
    return {kind: [container["name"] for container in spec.get("initContainers", [])] for kind, spec in templates}


def test_rendering_adds_to_the_workloads_and_touches_no_other_file(package: Package) -> None:
    before, after = package.files(), package.rendered()
    written = iter(after.pop("workloads.yaml").splitlines())
    assert all(line in written for line in before.pop("workloads.yaml").splitlines()), "something is gone, or moved"
    assert after == before
    assert agents((package.folder / "workloads.yaml").read_bytes()) == {"Deployment": ["logging"], "Job": ["logging"]}


def test_rendering_again_changes_nothing(package: Package) -> None:
    """To the byte, once kpt has the indentation that it takes from the first list in a file's text, be it inside a string."""
    once = package.rendered()
    twice = package.rendered()
    assert list(yaml.safe_load_all(twice["workloads.yaml"])) == list(yaml.safe_load_all(once["workloads.yaml"]))
    assert package.rendered() == twice


def test_switching_off_takes_the_agent_and_its_files_out(package: Package) -> None:
    before = yaml.safe_load_all(package.files()["workloads.yaml"])
    package.change("sidecars.yaml", "enabled: true", "enabled: true\n      configuration: configMap")
    rendered = package.rendered()
    assert len([name for name in rendered if name.startswith("configmap_") and "-logging-sidecar-" in name]) == 2
    assert package.rendered() == rendered
    package.change("sidecars.yaml", "enabled: true", "enabled: false")
    after = package.rendered()
    assert sorted(after) == ["Kptfile", "sidecars.yaml", "workloads.yaml"]
    assert list(yaml.safe_load_all(after["workloads.yaml"])) == list(before)


def test_a_mistake_ends_the_rendering_with_resource_file_and_field(package: Package) -> None:
    package.change("sidecars.yaml", "logging:", "loging:")
    before = package.files()
    done = package.render()
    assert done.status != 0
    assert package.files() == before
    told = "[error] sidecar-plugin.dev/v1alpha1/SidecarInjection/agents agents.loging: there is no agent"
    assert told in done.stderr + done.stdout
    [result] = package.results()
    assert (result["severity"], result["file"], result["field"]) == (
        "error",
        {"path": "sidecars.yaml"},
        {"path": "agents.loging"},
    )
    assert 'did you mean "logging"' in result["message"]


def test_a_warning_names_the_workloads_file(package: Package) -> None:
    package.change("sidecars.yaml", "platform: acs", "platform: acs\n  declaration: acs")
    package.rendered()
    found = [(one["severity"], one["resourceRef"]["kind"], one["file"]) for one in package.results()]
    assert found == [
        ("warning", "Deployment", {"path": "workloads.yaml"}),
        ("warning", "Job", {"path": "workloads.yaml", "index": 1}),
    ]


def test_two_functions_have_a_configuration_each(package: Package) -> None:
    """kpt hands over both files to both functions; each takes its own."""
    second = (package.folder / "sidecars.yaml").read_text().replace("name: agents", "name: proxies")
    second = second.replace("    logging:", "    logging:\n      enabled: true\n    proxy:")
    (package.folder / "proxies.yaml").write_text(second)
    package.change(
        "Kptfile",
        "configPath: sidecars.yaml\n",
        "configPath: sidecars.yaml\n    selectors: [{kind: Job}]\n"
        "  - exec: sidecar-plugin\n    configPath: proxies.yaml\n    selectors: [{kind: Deployment}]\n",
    )
    assert agents(package.rendered()["workloads.yaml"]) == {"Deployment": ["logging", "proxy"], "Job": ["logging"]}


def test_the_image_renders_what_the_program_does(package: Package, podman: Podman) -> None:
    by_program = package.rendered()
    shutil.rmtree(package.folder)
    shutil.copytree(EXAMPLE, package.folder)
    (package.folder / "README.md").unlink()
    package.change("Kptfile", "exec: sidecar-plugin", f"image: {IMAGE}")
    through_podman = {**podman.environment, "KPT_FN_RUNTIME": "podman"}
    done = subprocess.run(
        ["kpt", "fn", "render", "--image-pull-policy=never", package.folder],
        env=through_podman,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert package.files()["workloads.yaml"] == by_program["workloads.yaml"]

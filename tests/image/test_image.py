"""The image of the KRM function: what the installed program does, it does, as nobody, without network and writing nothing."""

import json
import subprocess
from datetime import datetime

import pytest
import yaml

import sidecar_plugin
from tests.image.conftest import IMAGE, RUN, Podman
from tests.support.real_tools import PROGRAM, ROOT

EXAMPLE = ROOT / "examples" / "kustomize"
SETTINGS = (EXAMPLE / "sidecars.yaml").read_text()


def resource_list(settings: str) -> str:
    items = [one for one in yaml.safe_load_all((EXAMPLE / "workloads.yaml").read_text()) if one]
    function = yaml.safe_load(settings)
    return yaml.safe_dump(
        {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items, "functionConfig": function}
    )


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        (SETTINGS, 0),
        (SETTINGS.replace("enabled: true", "enabled: true\n    monitoring: {enabled: true}\n    proxy: {enabled: true}"), 0),
        (SETTINGS.replace('"1.30"', '"1.28"'), 0),
        (SETTINGS.replace("platform: acs", "platform: acs\n  declaration: acs"), 0),  # with a warning in the results
        (SETTINGS.replace("logging:", "loging:"), 1),
    ],
    ids=["native", "every-agent", "acs", "warning", "error"],
)
def test_it_answers_as_the_installed_program_does(podman: Podman, settings: str, status: int) -> None:
    given = resource_list(settings)
    done = podman.run(*RUN, IMAGE, stdin=given)
    installed = subprocess.run([PROGRAM], input=given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (installed.returncode, installed.stdout), done.stderr
    assert done.returncode == status
    assert installed.stderr in done.stderr
    assert ('name: "logging"' in done.stdout or "name: logging" in done.stdout) is (status == 0)


@pytest.mark.parametrize("words", [["--version"], ["agents"], ["agents", "logging"], ["schema"]])
def test_it_holds_templates_and_schemas(podman: Podman, words: list[str]) -> None:
    installed = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    done = podman.run(*RUN, IMAGE, *words)
    assert (done.returncode, done.stdout) == (installed.returncode, installed.stdout), done.stderr
    assert done.stdout


@pytest.mark.parametrize("user", ["65534:65534", "1000680000:0"])  # its own; one as OpenShift gives
def test_it_runs_as_any_user_without_rights(podman: Podman, user: str) -> None:
    assert json.loads(podman.output("image", "inspect", IMAGE))[0]["Config"]["User"] == "65534:65534"
    bare = (f"--user={user}", "--cap-drop=all", "--security-opt=no-new-privileges")
    done = podman.run(*RUN, *bare, IMAGE, stdin=resource_list(SETTINGS))
    assert done.returncode == 0, done.stderr
    assert "restartPolicy: Always" in done.stdout


def test_its_labels_are_what_registries_show(podman: Podman) -> None:
    """Those that Artifact Hub requires, but for the README's address: tests/image gives the build no address."""
    labels = json.loads(podman.output("image", "inspect", IMAGE))[0]["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == sidecar_plugin.__version__
    assert datetime.fromisoformat(labels["org.opencontainers.image.created"].replace("Z", "+00:00"))
    assert labels["org.opencontainers.image.description"]
    assert labels["io.artifacthub.package.license"] == labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_it_writes_nothing(podman: Podman) -> None:
    """Where it could: the root is not read-only here."""
    podman.output("run", "--interactive", "--name=written", "--network=none", IMAGE, stdin=resource_list(SETTINGS))
    try:
        assert [line for line in podman.output("diff", "written").splitlines() if line.split()[1] not in ("/etc", "/run")] == []
    finally:
        podman.run("rm", "--force", "written")


def test_it_holds_the_packages_of_the_lock(podman: Podman) -> None:
    """Each at the version whose hash is there, and no other."""
    code = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions(path=['/opt/sidecar-plugin'])]"
    listed = podman.shell(f'python3 -c "{code}"').lower().replace("_", "-").splitlines()
    held = {line.replace(" ", "==") for line in listed}
    lines = (ROOT / "tools" / "locks" / "run.txt").read_text().splitlines()
    locked = {line.split()[0].lower() for line in lines if "==" in line and not line.startswith(" ")}
    [program] = held - locked
    assert program.startswith("sidecar-plugin==")
    assert {name.partition("==")[0] for name in held} >= {"jinja2", "jsonschema-rs", "pyyaml"}


def test_it_is_small_and_holds_no_means_to_build(podman: Podman) -> None:
    [image] = json.loads(podman.output("image", "inspect", IMAGE))
    assert image["Size"] < 200_000_000
    assert podman.shell("ls /var/lib/apt/lists; command -v pip pip3 gcc cc make git curl; ls -d /src; true") == ""
    assert podman.shell("id -un") == "nobody\n"
    assert podman.shell("find / -xdev -user 65534 2>/dev/null; true") == ""

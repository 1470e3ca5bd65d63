"""The platforms: what `auto` picks, what is refused or warned about, and annotations that list the sidecars."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar_plugin.errors import DeclarationError
from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion
from sidecar_plugin.kubernetes.declarations import DECLARATIONS, check, choose
from sidecar_plugin.kubernetes.declarations.protocol import Target
from sidecar_plugin.kubernetes.platforms import fargate
from sidecar_plugin.kubernetes.quantities import parse_quantity
from sidecar_plugin.settings.layers import schema
from tests.support.command import run

ROOT = Path(__file__).parents[2]
OLD, NEW = ClusterVersion(1, 28), ClusterVersion(1, 29)
DOCUMENT = (ROOT / "docs" / "platforms.md").read_text()


def test_schema_and_modules_name_the_same_platforms_and_declarations() -> None:
    properties = schema()["$defs"]["spec"]["properties"]
    assert properties["platform"]["enum"] == [*platforms.NAMES, None]
    assert set(properties["declaration"]["enum"]) == {"auto", *DECLARATIONS, None}
    modules = {path.stem for path in (ROOT / "sidecar_plugin" / "kubernetes" / "platforms").glob("*.py")}
    assert modules == {*platforms.NAMES, "__init__", "protocol"}


@pytest.mark.parametrize("name", platforms.NAMES)
def test_every_statement_names_its_source_and_the_document_has_it(name: str) -> None:
    platform = platforms.named(name)
    assert platform.name == name
    assert f"`{name}`" in DOCUMENT
    for source in {platform.source, *(rule.source for rule in platform.rules)}:
        assert re.fullmatch(r"https://\S+", source)
        assert source in DOCUMENT


@pytest.mark.parametrize(
    ("platform", "old", "new"),
    [
        ("acs", "acs", "native"),
        ("kubernetes", "regular", "native"),
        ("eci", "eci", "eci"),
        ("bci", "bci", "bci"),
        ("fargate", "regular", "native"),
        ("autopilot", "regular", "native"),
        ("aci", "regular", "regular"),
    ],
)
def test_auto_picks_by_platform_and_version(platform: str, old: str, new: str) -> None:
    assert (choose("auto", platform, OLD).name, choose("auto", platform, NEW).name) == (old, new)


@pytest.mark.parametrize("platform", ["eci", "bci"])
def test_native_where_nothing_says_that_it_works_is_a_warning(platform: str) -> None:
    warning = check(DECLARATIONS["native"], Target(NEW, platform, "Deployment", False, True))
    assert warning
    assert "no public page says" in warning


def test_native_where_init_containers_do_not_run_is_an_error() -> None:
    with pytest.raises(DeclarationError, match=r"support no init containers.*use declaration regular"):
        check(DECLARATIONS["native"], Target(NEW, "aci", "Deployment", False, True))


@pytest.mark.parametrize("declaration", ["acs", "eci", "bci"])
@pytest.mark.parametrize("platform", platforms.NAMES)
def test_a_providers_declaration_elsewhere_is_a_warning(declaration: str, platform: str) -> None:
    warning = check(DECLARATIONS[declaration], Target(OLD, platform, "Deployment", False, True))
    assert (warning is None) == (declaration == platform)


AGENT = "container: {name: a, image: 'a:1', %s}\n"
REFUSED = [
    ("eci", AGENT % "securityContext: {privileged: true}", "is privileged, which ECI does not support"),
    ("eci", AGENT % "ports: [{containerPort: 10250}]", "which ECI itself uses"),
    ("bci", AGENT % "securityContext: {privileged: true}", "is privileged, which BCI does not support"),
    ("bci", AGENT % "" + "volumes: [{name: v, hostPath: {path: /}}]\n", 'volume "v" is a hostPath, which BCI'),
    ("fargate", AGENT % "ports: [{containerPort: 1, hostPort: 1}]", "has a hostPort"),
    ("fargate", AGENT % "securityContext: {privileged: true}", "is privileged, which Fargate"),
    ("aci", AGENT % "" + "initContainers: [{name: i, image: 'i:1'}]\n", 'container "i" is an init container'),
    ("aci", AGENT % "" + "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]\n", "use an inline Azure Files volume"),
]
WARNED = [
    ("bci", AGENT % "volumeMounts: [{name: v, mountPath: /v, subPath: s}]" + "volumes: [{name: v, emptyDir: {}}]", "subPath"),
    ("bci", AGENT % "" + "volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}]\n", "emptyDir.sizeLimit"),
    ("fargate", AGENT % "resources: {requests: {cpu: 1}, limits: {cpu: 2}}", "requests and limits must be equal"),
    ("fargate", AGENT % "" + "volumes: [{name: v, hostPath: {path: /}}]\n", "does not mount"),
    ("autopilot", AGENT % "" + "volumes: [{name: v, hostPath: {path: /var/logs}}]\n", "outside /var/log"),
    ("autopilot", AGENT % "securityContext: {capabilities: {add: [NET_RAW]}}", "NET_RAW"),
    ("autopilot", AGENT % "securityContext: {privileged: true}", "allowlist"),
    ("autopilot", AGENT % "resources: {requests: {cpu: 1}}", "0.5 vCPU and 2 GiB"),
    ("aci", AGENT % "lifecycle: {preStop: {sleep: {seconds: 1}}}", "lifecycle hooks"),
]
QUIET = [
    ("eci", AGENT % "ports: [{containerPort: 80}], securityContext: {privileged: false}"),
    ("fargate", AGENT % "resources: {requests: {cpu: 1}, limits: {cpu: 1}}"),
    (
        "autopilot",
        AGENT % "resources: {limits: {cpu: 1, memory: 1Gi}}" + "volumes: [{name: v, hostPath: {path: /var/log/x}}]\n",
    ),
    ("aci", AGENT % "" + "volumes: [{name: v, emptyDir: {}}]\n"),
    ("kubernetes", AGENT % "securityContext: {privileged: true}"),
]
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      annotations:
        a: b
    spec:
      containers:
      - {name: web, image: "web:1"}
"""


def settings(tmp_path: Path, platform: str, template: str) -> str:
    file = tmp_path / "settings.yaml"
    lines = "".join(f"        {line}\n" for line in template.splitlines())
    file.write_text(
        "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nspec:\n"
        f'  clusterVersion: "1.30"\n  platform: {platform}\n  agents:\n    a:\n      enabled: true\n      template: |\n{lines}'
    )
    return str(file)


@pytest.mark.parametrize(("platform", "template", "words"), REFUSED)
def test_what_a_platform_does_not_take_is_refused(tmp_path: Path, platform: str, template: str, words: str) -> None:
    done = run("--config", settings(tmp_path, platform, template), stdin=DEPLOYMENT)
    assert (done.status, done.stdout) == (1, b"")
    assert done.stderr.startswith("sidecar-plugin: error: <stdin>:1:1: Deployment/web: the agent a: its ")
    assert words in done.stderr


@pytest.mark.parametrize(("platform", "template", "words"), WARNED)
def test_what_a_platform_may_not_take_is_a_warning(tmp_path: Path, platform: str, template: str, words: str) -> None:
    done = run("--config", settings(tmp_path, platform, template), stdin=DEPLOYMENT)
    assert done.status == 0, done.stderr
    assert re.search(rf"warning: .*{re.escape(words)}", done.stderr)


@pytest.mark.parametrize(("platform", "template"), QUIET)
def test_nothing_is_said_of_what_is_right(tmp_path: Path, platform: str, template: str) -> None:
    done = run("--config", settings(tmp_path, platform, template), stdin=DEPLOYMENT)
    assert done.status == 0, done.stderr
    assert "warning" not in done.stderr


def test_a_platform_that_there_is_not_is_named_with_the_nearest() -> None:
    done = run("--platform", "fargat", stdin=DEPLOYMENT)
    assert done.status == 1
    assert 'did you mean "fargate"?' in done.stderr


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [
        ("0", "0", ("0.25", "0.5")),
        ("0.25", "0.25", ("0.25", "0.5")),
        ("0.25", "0.26", ("0.25", "1")),
        ("1", "8", ("2", "9")),  # the documentation's own example
        ("4", "30", ("8", "32")),
        ("16", "119.75", ("16", "120")),
        ("16", "120", None),
        ("17", "1", None),
    ],
)
def test_the_size_of_a_pod_on_fargate(cpu: str, memory: str, expected: Any) -> None:
    assert fargate.size(parse_quantity(cpu), parse_quantity(f"{memory}Gi")) == expected


KEY = "bci.virtual-kubelet.io/bci-ignore-exit-code-containers"
OTHER = "bci.virtual-kubelet.io/bci-resource-ignore-containers"
LISTS = [
    pytest.param(f"{KEY}: own", "own,a", id="plain"),
    pytest.param(f"{KEY}: own # mine", "own,a", id="plain before a comment"),
    pytest.param(f"{KEY}: own,\n          other", "own, other,a", id="plain on two lines"),
    pytest.param(f"{KEY}: 'own'", "own,a", id="single quotes"),
    pytest.param(f'{KEY}: "own, other"', "own, other,a", id="double quotes"),
    pytest.param(f'{KEY}: ""', "a", id="empty"),
    pytest.param(f"{KEY}: a", "a", id="listed already"),
    pytest.param(f"? {KEY}\n        : own", "own,a", id="an explicit key"),
]


@pytest.mark.parametrize(("line", "expected"), LISTS)
def test_a_list_of_the_users_is_added_to_and_given_back(tmp_path: Path, line: str, expected: str) -> None:
    import yaml

    before = DEPLOYMENT.replace("        a: b\n", f"        {line}\n        a: b\n")
    words = ("--config", settings(tmp_path, "bci", AGENT % ""))
    done = run(*words, stdin=before)
    assert done.status == 0, done.stderr
    annotations = yaml.safe_load(done.stdout)["spec"]["template"]["metadata"]["annotations"]
    assert (annotations[KEY], annotations[OTHER]) == (expected, "a")
    assert run(*words, stdin=done.stdout).stdout == done.stdout
    assert run("uninject", "-", stdin=done.stdout).stdout.decode() == before


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{KEY}: |\n          own", "cannot be made longer as it is written; put it in quotes"),
        (f"{KEY}:", "its value is not text"),
        (f"{KEY}: [own]", "its value is not text"),
        (f"x: &x own\n        {KEY}: *x", "its value is not text"),
        (f"{KEY}: &x own\n        y: *x", "is shared with other places through an alias"),
        (f"{KEY}: own\n        {KEY}: own", "stands twice"),
    ],
)
def test_a_list_that_cannot_be_added_to_is_refused(tmp_path: Path, line: str, words: str) -> None:
    before = DEPLOYMENT.replace("        a: b\n", f"        {line}\n")
    done = run("--config", settings(tmp_path, "bci", AGENT % ""), stdin=before)
    assert (done.status, done.stdout) == (1, b"")
    assert words in done.stderr


def test_what_others_wrote_behind_the_list_since_stays(tmp_path: Path) -> None:
    before = DEPLOYMENT.replace("a: b", f"{KEY}: own")
    done = run("--config", settings(tmp_path, "bci", AGENT % ""), stdin=before)
    changed = done.stdout.replace(b"own,a", b"own,a,theirs")
    assert run("uninject", "-", stdin=changed).stdout.decode() == before.replace("own", "own,theirs")


def test_a_run_imports_the_platform_in_use_only() -> None:
    code = "import sys; from sidecar_plugin.frontends.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, "--set", "clusterVersion=1.30,agents.logging.enabled=true", "--report", "none"]
    done = subprocess.run(command, input=DEPLOYMENT.encode(), capture_output=True, check=True)
    loaded = {name for name in done.stderr.decode().split() if name.startswith("sidecar_plugin.kubernetes.platforms.")}
    assert loaded == {"sidecar_plugin.kubernetes.platforms.acs", "sidecar_plugin.kubernetes.platforms.protocol"}


@pytest.mark.parametrize(
    ("cpu", "memory", "note"),
    [
        ("10m", "10Mi", ""),
        ("250m", "10Mi", "Fargate size 0.5 vCPU 1 GB instead of 0.25 vCPU 0.5 GB"),
        ("17", "10Mi", "no size of Fargate is enough for the pod with its agents"),
    ],
)
def test_the_report_says_how_agents_change_the_size_of_a_pod_on_fargate(cpu: str, memory: str, note: str) -> None:
    application = {"resources": {"requests": {"cpu": "200m", "memory": "100Mi"}}}
    agent = {"resources": {"requests": {"cpu": cpu, "memory": memory}}}
    assert fargate.size_note([application], [agent]) == note

"""README.md and docs/*.md are true: their commands run and write what is shown, and what they name exists."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar_plugin.commands import MODULES
from tests.e2e.conftest import EXAMPLES, PROGRAM, ROOT, Helm, Shell
from tests.e2e.console import Command, File, commands, matches, run, shell_lines, steps, with_helm
from tests.support.real_tools import version_of

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
by_name = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)

NOT_RUN = {
    "sidecar-plugin verify --namespace shop --wait 120s": "needs a cluster; tests/cluster/test_verify_command.py runs it",
    "helm plugin install .": "brings packages from the network; the fixture helm4_homes runs it on the checkout",
    "helm plugin install http://localhost:8000/sidecar-0.1.0.tgz --verify=false": "tests/release/test_release.py runs it",
    "helm plugin install http://localhost:8000/sidecar-cli-0.1.0.tgz --verify=false": "tests/release/test_release.py runs it",
    "helm plugin install https://git.example.com/you/sidecar-plugin --verify=false": "no such host; test_helm4.py uses file://",
    "helm plugin update sidecar": "brings packages from the network; nothing runs it",
    "helm plugin uninstall sidecar": "test_helm4.py runs it",
    "helm plugin install sidecar-VERSION.tgz --keyring KEYRING": "tests/release/test_release.py runs it",
    "helm plugin install https://files.example.com/sidecar-cli-VERSION.tgz --keyring KEYRING": (
        "tests/release/test_release.py has a web server"
    ),
    "helm plugin install oci://registry.example.com/tools/sidecar:VERSION --keyring KEYRING": (
        "tests/release/test_registry.py has a registry"
    ),
    "helm pull oci://registry.example.com/tools/charts/sidecar-injection --version VERSION --verify --keyring KEYRING": (
        "tests/release/test_registry.py has a registry"
    ),
    "helm plugin install https://files.example.com/sidecar-helm3-VERSION.tgz": "tests/release/test_release.py has a web server",
    "gpg --verify SHA256SUMS.asc SHA256SUMS": "tests/release/test_release.py runs it",
    "kpt fn render --allow-exec examples/kpt": "kpt cannot be installed; tests/image/test_kpt.py runs it where it is",
    "tools/image/build registry.example.com/tools/sidecar-plugin:0.1.0": "no base image can be pulled; tests/image builds one",
    "podman run --rm --interactive --network none --read-only localhost/sidecar-plugin:0.1.0 <resource-list.yaml": (
        "tests/image/test_image.py runs it"
    ),
    "kubectl create secret generic es --namespace shop --from-literal=password=PASSWORD": "needs a cluster; nothing runs it",
    "kubectl create secret generic es-ca --namespace shop --from-file=ca.crt": "needs a cluster; nothing runs it",
    "helm install shop shop --namespace shop --post-renderer sidecar": "needs a cluster; tests/cluster installs charts",
    "helm sidecar install find examples/untouched-chart --namespace shop --values logging.yaml": (
        "needs a cluster; tests/cluster/test_helm_releases.py installs by it"
    ),
    "helm sidecar diff shop examples/web --namespace shop": "needs a cluster; tests/cluster/test_helm_releases.py runs it",
    "helm rollback shop 1 --namespace shop": "needs a cluster; tests/cluster/test_helm_releases.py rolls back",
    "sidecar-plugin images --pin --config sidecars.yaml > digests.yaml": "asks registries; test_images_pin.py runs it",
    "make test-fluent-bit FLUENT_BIT=/path/to/fluent-bit": "needs a Fluent Bit; .ci/run calls it where one is at hand",
    "make test-agents FLUENT_BIT=/path/to/fluent-bit": "takes an hour; nothing runs it",
}
"""Every line of a ```shell block, and why it is not run here."""

RUN_ELSEWHERE = {"helmfile": ROOT / "tests/e2e/test_helmfile.py", "tofu": ROOT / "tests/cluster/test_terraform.py"}
"""The tools that not every test run has, and the test that runs the commands shown for them."""

EXAMPLE_PATHS = {"agents/hello", "agents/collector"}
OF_OTHERS = {
    *("--feature-gates", "--runtime-config", "--quick"),  # of the API server and of benchmarks/run.py
    *("--allow-exec", "--from-packages", "--directory"),  # of kpt, tools/image/build and http.server
    *("--rm", "--interactive", "--network", "--read-only"),  # of podman
    *("--from-literal", "--from-file", "--container"),  # of kubectl
    *("--quiet", "--selector", "--state-values-set"),  # of Helmfile
}
TOP = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
PATH = re.compile(rf"(?<![\w./$-])((?:{'|'.join(map(re.escape, TOP))})/[\w./-]*\w)")
LINK = re.compile(r"\]\(([^)#:]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
MAKE = re.compile(r"(?:`|^\$ )make ([a-z]+)", re.MULTILINE)


@pytest.fixture
def checkout(shell: Shell) -> Shell:
    """A shell in a copy of what the documents refer to, which commands may write into."""
    folder = shell.folder / "checkout"
    folder.mkdir()
    for name in ("examples", "kubectl-plugin", "charts"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name)
    return replace(shell, folder=folder)


@pytest.fixture
def shells(checkout: Shell, helm4: Helm, tool: Callable[[str], Path]) -> dict[str, Shell]:
    """The checkout with each of the two Helms as `helm`; only Helm 4 has the plugin."""
    with_plugin = replace(checkout, environment=helm4.shell.environment)
    return {"helm3": with_helm(checkout, tool("helm3")), "helm4": with_helm(with_plugin, tool("helm4"))}


@by_name
def test_the_commands_run_and_write_what_is_shown(document: Path, checkout: Shell, shells: dict[str, Shell]) -> None:
    """In one terminal, as a reader would: a `cd` holds for the commands after it, until the document ends."""
    folder = checkout.folder
    for step in steps(document):
        if isinstance(step, File):
            (folder / step.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.name).write_text(step.text)
        elif step.line.startswith("cd "):
            folder = (folder / step.line.removeprefix("cd ")).resolve()
            assert folder.is_dir(), step.line
        elif step.helm not in RUN_ELSEWHERE and not step.line.startswith("make "):
            run(replace(shells[step.helm], folder=folder), step)


def test_what_is_not_run_is_listed_with_the_reason() -> None:
    assert {line for document in DOCUMENTS for line in shell_lines(document)} == set(NOT_RUN)


def test_the_difference_in_the_readme_is_a_part_of_the_demos(helm4: Helm) -> None:
    excerpt = re.search(r"^```diff\n(.*?)^```$", DOCUMENTS[0].read_text(), re.MULTILINE | re.DOTALL)
    assert excerpt
    for enabled in ("false", "true"):
        options = ("--kube-version", "1.30", "--set", f"sidecars.agents.logging.enabled={enabled}")
        (helm4.shell.folder / f"{enabled}.yaml").write_text(helm4.template(EXAMPLES / "web", *options))
    shown = helm4.shell.run("diff", "-u", "false.yaml", "true.yaml").stdout
    assert matches(f"...\n{excerpt[1]}", shown), shown


def test_the_tests_that_run_the_other_commands_exist() -> None:
    named = {command.helm for document in DOCUMENTS for command in commands(document)}
    assert {"helm3", "helm4", *RUN_ELSEWHERE} == named
    assert [path for path in RUN_ELSEWHERE.values() if not path.exists()] == []


def test_the_recipes_name_the_versions_that_are_built() -> None:
    text = (ROOT / "docs/recipes.md").read_text()
    for name in ("helmfile", "tofu", "terraform-provider-helm"):
        assert version_of(name) in text, name


@by_name
def test_paths_and_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    shown = {step.name for step in steps(document) if isinstance(step, File)}
    paths = {path for path in PATH.findall(text) if path not in shown and path not in EXAMPLE_PATHS}
    links = {(document.parent / link).relative_to(ROOT).as_posix() for link in LINK.findall(text)}
    assert sorted(path for path in paths | links if not (ROOT / path).exists()) == []


@pytest.fixture(scope="session")
def options(tool: Callable[[str], Path]) -> set[str]:
    """The options that the program and the tools tell of in their help."""
    shell = Shell({"PATH": "", "HOME": "/nonexistent"}, ROOT)
    asked = [
        *((tool("helm4"), *words) for words in (("template",), ("install",), ("plugin", "install"))),
        *((tool("kustomize"), *words) for words in (("build",), ("fn", "run"))),
        (tool("kubectl"), "kustomize"),
        *((PROGRAM, *words) for words in ((), *((command,) for command in MODULES))),
    ]
    return {option for words in asked for option in OPTION.findall(shell.output(*words, "--help"))}


@by_name
def test_options_exist(document: Path, options: set[str]) -> None:
    text = "".join(line for line in document.read_text().splitlines(keepends=True) if "args: [" not in line)
    assert set(OPTION.findall(text)) - options - OF_OTHERS == set()


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for document in DOCUMENTS for target in MAKE.findall(document.read_text())}
    assert named
    assert named <= targets


def test_a_document_that_shows_something_else_is_found(checkout: Shell) -> None:
    with pytest.raises(AssertionError, match="but the document shows"):
        run(checkout, Command("echo one; echo two", "one\nthree\n", "helm4"))
    with pytest.raises(AssertionError, match="ended with 1"):
        run(checkout, Command("false", "", "helm4"))
    run(checkout, Command("echo one; echo two; echo three", "...\nt…o\n...\n", "helm4"))


def test_every_guide_with_commands_is_read_right() -> None:
    assert [document.name for document in DOCUMENTS if "$ " in document.read_text() and not commands(document)] == []

"""`inject` and `uninject` on files and folders: what is written where, and that nothing is on an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
spec:
  clusterVersion: "1.30"
  agents:
    log: {enabled: true, template: "container: {name: log, image: x}"}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: x\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"


def run(folder: Path, *words: str, data: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sidecar_plugin", *words]
    return subprocess.run(command, input=data, capture_output=True, text=True, cwd=folder, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "app" / "deep").mkdir(parents=True)
    (tmp_path / "app" / "pod.yaml").write_text(POD)
    (tmp_path / "app" / "deep" / "service.yml").write_text(SERVICE)
    (tmp_path / "app" / "deep" / "pod.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "j"}]}})
    )
    (tmp_path / "app" / ".hidden.yaml").write_text("not: [yaml")
    (tmp_path / "app" / "notes.txt").write_text("not: [yaml")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_stdout_is_one_stream_of_all_files(folder: Path) -> None:
    done = run(folder, "inject", "--config", "config.yaml", "app")
    assert done.returncode == 0
    assert [part.split("\n")[1][:10] for part in f"---\n{done.stdout}".split("---\n")[1:]] == ["", "kind: Serv", "kind: Pod"]
    assert done.stdout.count('"log"') + done.stdout.count("name: log") >= 2


def test_in_place_changes_only_what_it_has_to_and_uninject_undoes_it(folder: Path) -> None:
    before = contents(folder)
    assert run(folder, "inject", "--config", "config.yaml", "--in-place", "app").stdout == ""
    changed = {name for name, data in contents(folder).items() if data != before[name]}
    assert changed == {"app/pod.yaml", "app/deep/pod.json"}
    assert json.loads((folder / "app/deep/pod.json").read_text())["spec"]["initContainers"][0]["name"] == "log"
    assert run(folder, "uninject", "--in-place", "app").returncode == 0
    assert contents(folder) == before


def test_in_place_keeps_permissions_and_links_and_leaves_no_scratch_file(folder: Path) -> None:
    (folder / "app/pod.yaml").chmod(0o640)
    (folder / "link.yaml").symlink_to("app/pod.yaml")
    assert run(folder, "inject", "--config", "config.yaml", "--in-place", "link.yaml").returncode == 0
    assert (folder / "link.yaml").is_symlink()
    assert "name: log" in (folder / "app/pod.yaml").read_text()
    assert (folder / "app/pod.yaml").stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(folder / "app")) == [".hidden.yaml", "deep", "notes.txt", "pod.yaml"]


def test_a_settings_document_in_the_folder_holds_for_all_files_and_stays_in_its_file(folder: Path) -> None:
    (folder / "app" / "sidecars.yaml").write_text(CONFIG)
    assert run(folder, "inject", "--in-place", "app").returncode == 0
    assert "name: log" in (folder / "app/pod.yaml").read_text()
    assert (folder / "app/sidecars.yaml").read_text() == CONFIG


def test_output_dir_holds_every_file_at_its_path(folder: Path) -> None:
    before = contents(folder)
    assert run(folder, "inject", "--config", "config.yaml", "--output-dir", "out", "app").returncode == 0
    assert {name for name in contents(folder) if name.startswith("out/")} == {
        "out/pod.yaml",
        "out/deep/service.yml",
        "out/deep/pod.json",
    }
    assert (folder / "out/deep/service.yml").read_text() == SERVICE
    assert {name: data for name, data in contents(folder).items() if not name.startswith("out/")} == before


def test_diff_shows_what_would_change_and_writes_nothing(folder: Path) -> None:
    before = contents(folder)
    done = run(folder, "inject", "--config", "config.yaml", "--diff", "app")
    assert "--- a/app/pod.yaml\n+++ b/app/pod.yaml\n" in done.stdout
    assert "+  - name: log\n" in done.stdout
    assert (
        not [line for line in done.stdout.splitlines() if line.startswith("-") and not line.startswith("---")]
        or "pod.json" in done.stdout
    )
    assert contents(folder) == before


def test_a_diff_can_be_applied_by_patch(folder: Path) -> None:
    (folder / "app/pod.yaml").write_text(POD.rstrip("\n"))
    done = run(folder, "inject", "--config", "config.yaml", "--diff", "app/pod.yaml")
    assert "\\ No newline at end of file" in done.stdout
    subprocess.run(["git", "apply", "-p1"], input=done.stdout, text=True, cwd=folder, check=True)
    assert (folder / "app/pod.yaml").read_text() == run(folder, "inject", "--config", "config.yaml", "app/pod.yaml").stdout


@pytest.mark.parametrize("output", [["--in-place"], ["--output-dir", "out"], ["--diff"], []])
def test_one_bad_file_leaves_everything_as_it_was(folder: Path, output: list[str]) -> None:
    (folder / "app" / "zz.yaml").write_text("kind: Pod\nspec: [\n")
    before = contents(folder)
    done = run(folder, "inject", "--config", "config.yaml", *output, "app")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sidecar-plugin: error: app/zz.yaml:3:1: not YAML")
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["inject"], "the following arguments are required: PATH"),
        (["inject", "missing.yaml"], "missing.yaml: there is no such file or folder"),
        (["inject", "empty"], "the folder holds no .yaml, .yml or .json file"),
        (["inject", "-", "--in-place", "--config", "config.yaml"], "--in-place needs files"),
        (["inject", "app", "--config", "missing.yaml"], "--config missing.yaml: No such file or directory"),
        (["inject", "app", "--templates", "missing"], "--templates missing: there is no such folder"),
        (["inject", "app", "--templates", "app"], "no folder in it holds an agent.yaml.j2"),
        (["inject", "app/pod.yaml", "app/pod.yaml", "--output-dir", "out"], "would both be written to out/pod.yaml"),
        (["inject", "app", "--in-place", "--output-dir", "out"], "--output-dir does not go with --in-place"),
        (["uninject", "app", "--diff", "--output-dir", "out"], "--output-dir does not go with --diff"),
        (["agents", "loging"], 'there is no agent "loging"; did you mean "logging"?'),
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["injct"], 'there is no command "injct"; did you mean "inject"?'),
    ],
)
def test_bad_usage_ends_with_2_and_says_why(folder: Path, words: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    done = run(folder, *words, data=POD)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sidecar-plugin: error: ")
    assert message in done.stderr


def test_agents_and_schema_are_shown(folder: Path) -> None:
    assert {line.split()[0] for line in run(folder, "agents").stdout.splitlines()[:3]} == {"logging", "monitoring", "proxy"}
    shown = run(folder, "agents", "logging").stdout
    assert "agents:\n  logging:\n" in shown
    assert "    engine:" in shown
    assert json.loads(run(folder, "schema").stdout)["title"] == "SidecarInjection"


BAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec: [containers]\n"
BRINGS = (
    'template: "container: {name: log, image: x}\\nmanifests: [{apiVersion: v1, kind: ConfigMap, '
    "metadata: {name: '{{ workload.name }}-log'}}]\""
)


@pytest.mark.parametrize("bad", [BAD, "not: [yaml", "\xff"], ids=["a wrong type", "not YAML", "not UTF-8"])
def test_keep_going_leaves_out_what_is_refused(folder: Path, bad: str) -> None:
    (folder / "app" / "a-bad.yaml").write_bytes(bad.encode("latin-1"))
    before = contents(folder)
    done = run(folder, "inject", "--config", "config.yaml", "--in-place", "--keep-going", "app")
    assert done.returncode == 1
    assert done.stderr.startswith("sidecar-plugin: error: app/a-bad.yaml:")
    assert "Pod/web" in done.stderr
    changed = {name for name, data in contents(folder).items() if data != before[name]}
    assert changed == {"app/pod.yaml", "app/deep/pod.json"}
    assert run(folder, "uninject", "--in-place", "--keep-going", "app").returncode == (bad != BAD)  # it looks at no types
    assert contents(folder) == before


def test_keep_going_forgets_what_agents_brought_to_a_refused_file(folder: Path) -> None:
    (folder / "config.yaml").write_text(CONFIG.replace('template: "container: {name: log, image: x}"', BRINGS))
    (folder / "app" / "deep" / "pod.json").unlink()
    (folder / "app" / "a-bad.yaml").write_text(POD.replace("web", "good", 1) + "---\n" + BAD)
    done = run(folder, "inject", "--config", "config.yaml", "--keep-going", "app")
    assert done.returncode == 1
    assert "name: web-log" in done.stdout
    assert "good" not in done.stdout + done.stderr


def test_a_manifest_that_a_refused_file_could_not_take_comes_with_the_next(folder: Path) -> None:
    """JSON text cannot hold the ConfigMap that the agent brings; the YAML file behind it can."""
    (folder / "config.yaml").write_text(
        CONFIG.replace('template: "container: {name: log, image: x}"', BRINGS.replace("{{ workload.name }}", "same"))
    )
    (folder / "app" / "a.json").write_text((folder / "app" / "deep" / "pod.json").read_text())
    (folder / "app" / "deep" / "pod.json").unlink()
    done = run(folder, "inject", "--config", "config.yaml", "--keep-going", "app")
    assert done.returncode == 1
    assert "app/a.json" in done.stderr
    assert "name: same-log" in done.stdout


def test_keep_going_does_not_go_on_without_settings(folder: Path) -> None:
    (folder / "app" / "sidecars.yaml").write_text(CONFIG.replace("log:", "loging:").replace("template", "templat"))
    before = contents(folder)
    done = run(folder, "inject", "--config", "config.yaml", "--in-place", "--keep-going", "app")
    assert done.returncode == 1
    assert contents(folder) == before


def test_one_bad_file_of_thousands(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number}.yaml").write_text(POD)
    (tmp_path / "bad.yaml").write_text(BAD)
    before = contents(tmp_path)
    command = ["inject", "--in-place", "--report=none", "--set", "clusterVersion=1.30,agents.logging.enabled=true", "."]
    done = run(tmp_path, *command)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert contents(tmp_path) == before
    done = run(tmp_path, *command, "--keep-going")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    changed = {name for name, data in contents(tmp_path).items() if data != before[name]}
    assert len(changed) == 2000

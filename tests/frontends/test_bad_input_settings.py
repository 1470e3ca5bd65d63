"""Bad settings, from every source, and templates that fail: each mistake is reported where the user made it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import refused, run

HEAD = "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: app}]}\n"
AGENT = "agents: {x: {enabled: true, template: 'container: {name: x, image: i}', container: {%s}}}"

SPECS = [
    pytest.param("[]", "3:7", "must be a mapping, but is a list", id="spec a list"),
    pytest.param("text", "3:7", "must be a mapping", id="spec a string"),
    pytest.param("{agnets: {}}", "3:8", 'unknown key "agnets"; did you mean "agents"?', id="an unknown key"),
    pytest.param("{clusterVersion: 1.3}", "3:24", 'put it in quotes: "1.30"', id="a version that YAML read as a number"),
    pytest.param("{clusterVersion: latest}", "3:24", '"latest" is no cluster version', id="a version that is none"),
    pytest.param(
        "{clusterVersion: true}", "3:24", "clusterVersion: must be a number or a string, but is true", id="a version true"
    ),
    pytest.param("{clusterVersion: .inf}", "3:24", "no number that Kubernetes takes", id="a version without end"),
    pytest.param("{platform: asc}", "3:18", 'did you mean "acs"?', id="a platform that there is not"),
    pytest.param("{declaration: nativ}", "3:21", 'did you mean "native"?', id="a declaration that there is not"),
    pytest.param("{agents: []}", "3:16", "agents: must be a mapping", id="agents a list"),
    pytest.param("{agents: {logging: true}}", "3:26", "agents.logging: must be a mapping, but is true", id="an agent true"),
    pytest.param("{agents: {Log_ging: {}}}", "3:17", "is not as names are in Kubernetes", id="an agent's name"),
    pytest.param("{agents: {loging: {enabled: true}}}", "3:25", 'did you mean "logging"?', id="an agent that there is not"),
    pytest.param('{agents: {logging: {enabled: "true"}}}', "3:36", "must be true or false", id="enabled a string"),
    pytest.param("{agents: {x: {template: []}}}", "3:31", "must be a string", id="template a list"),
    pytest.param("{agents: {x: {position: middle}}}", "3:31", 'must be "first" or "last"', id="position"),
    pytest.param("{agents: {x: {container: y}}}", "3:32", "must be a mapping", id="container a string"),
    pytest.param("{targets: {}}", "3:17", "must be a list", id="targets a mapping"),
    pytest.param("{targets: [{kind: Pod}]}", "3:19", 'did you mean "kinds"?', id="an unknown key of a target"),
    pytest.param('{targets: [{labelSelector: "a in ("}]}', "3:34", "cannot be read as a selector", id="a selector"),
    pytest.param(
        '{agents: {logging: {targets: [{annotationSelector: "=="}]}}}',
        "3:58",
        "cannot be read as a selector",
        id="an agent's selector",
    ),
    pytest.param("{workloads: [{group: x, kind: Y}]}", "3:20", '"podTemplate" is missing', id="a workload without podTemplate"),
    pytest.param("{workloads: [{group: x, kind: Y, podTemplate: a..b}]}", "3:53", "podTemplate", id="a path with a hole"),
    pytest.param("{platform: acs, platform: acs}", "3:23", 'the key "platform" stands twice', id="a key twice"),
    pytest.param("{platform: !x acs}", "3:18", "the tag !x has no meaning here", id="a tag"),
    pytest.param("{<<: 5}", "3:12", "a merge key takes a mapping", id="a merge of a number"),
    pytest.param(f"{{agents: {{x: {{y: {'9' * 5_000}}}}}}}", "3:24", "more than 4000 digits", id="a number of 5,000 digits"),
    pytest.param(
        '{clusterVersion: "1.30", agents: {logging: {enabled: true, imgae: {}}}}',
        "3:73",
        'did you mean "image"?',
        id="an unknown value",
    ),
    pytest.param(
        '{clusterVersion: "1.30", agents: {logging: {enabled: true, output: 5}}}',
        "3:74",
        "must be a mapping",
        id="a value's type",
    ),
    *(
        pytest.param(f'{{clusterVersion: "1.30", {AGENT % patch}}}', "3", "agents.x.container", id=f"container patch {patch}")
        for patch in ("name: []", "name: null", "name: 5", "image: null", "image: {}", "env: {a: b}", "env: [5]")
    ),
]


@pytest.mark.parametrize(("spec", "place", "message"), SPECS)
def test_a_mistake_in_a_document_of_the_stream(spec: str, place: str, message: str) -> None:
    refused(run(stdin=f"{HEAD}spec: {spec}\n---\n{POD}"), f"<stdin>:{_moved(place, 1)}", message)


@pytest.mark.parametrize(("spec", "place", "message"), SPECS)
def test_a_mistake_in_a_config_file(spec: str, place: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"{HEAD}spec: {spec}\n")
    refused(run("--config", str(file), stdin=POD), f"{file}:{_moved(place, 1)}", message)


@pytest.mark.parametrize(("spec", "place", "message"), SPECS)
def test_a_mistake_in_a_values_file(spec: str, place: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(f"# of the chart\nx: y\nsidecars: {spec}\n")
    refused(run("--values", str(file), stdin=POD), f"{file}:{_moved(place, 5)}", message)


def _moved(place: str, columns: int) -> str:
    """Return the place in a line that begins with a longer key; the table's columns are behind `spec: `."""
    line, _, column = place.partition(":")
    return f"{line}:{int(column) + columns - 1}" if column else line


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param(f"{HEAD}specs: {{}}\n", "3:1", 'did you mean "spec"?', id="an unknown key beside spec"),
        pytest.param(
            HEAD.replace("v1alpha1", "v9"), "1:13", "this program knows sidecar-plugin.dev/v1alpha1 only", id="a later version"
        ),
        pytest.param(f"{HEAD}metadata: x\n", "3:11", "must be a mapping", id="metadata a string"),
        pytest.param("", "1:1", "holds no SidecarInjection document", id="an empty file"),
        pytest.param("# c\n", "1:1", "holds no SidecarInjection document", id="a lone comment"),
        pytest.param("- a\n", "1:1", "must be SidecarInjection documents", id="a list"),
        pytest.param(f"{HEAD}---\n{HEAD}spec: {{x: y}}\n", "6:8", 'unknown key "x"', id="the second document"),
        pytest.param(f"{HEAD}spec:\n\tplatform: acs\n", "4:1", "does not allow tabs", id="a tab"),
        pytest.param(f"{HEAD}\0", "3:1", "NUL", id="NUL"),
        pytest.param(HEAD.encode("utf-16"), "1:1", "UTF-16", id="UTF-16"),
        pytest.param(f"{HEAD}spec: {'[' * 100_000}", "3:1006", "1000 levels", id="100,000 brackets"),
        pytest.param(f"{HEAD}spec: {{agents: {{x: {{y: {'[' * 900}{']' * 900}}}}}}}\n", "3", "nested too deep", id="900 lists"),
    ],
)
def test_a_config_file_that_is_none(text: str | bytes, place: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    refused(run("--config", str(file), stdin=POD), f"{file}:{place}", message)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param("[]\n", "1:1", "a values file must be a mapping, but is a list", id="a list"),
        pytest.param("sidecars: {}\n---\nsidecars: {}\n", "3:1", "must be one document", id="two documents"),
        pytest.param("sidecars: {}\nsidecars: {}\n", "2:1", "stands twice", id="the key twice"),
        pytest.param("x: &x {platform: foo}\nsidecars: *x\n", "1:18", "platform: must be", id="behind an alias"),
    ],
)
def test_a_values_file_that_is_none(text: str, place: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(text)
    refused(run("--values", str(file), stdin=POD), f"{file}:{place}", message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "agents"), '--set "agents": "agents" has no value; write KEY=VALUE'),
        (("--set", "=x"), '"" is no key; write a.b.c or a[0].b'),
        (("--set", "a..b=c"), '"a..b" is no key'),
        (("--set", "agents={a"), "the list is not closed with }"),
        (("--set", "agents={a}b"), "a comma is missing"),
        (("--set", "agents[9999]=1"), "is no key"),
        (("--set", "agents.logging=true"), 'agents.logging: must be a mapping, but is true (in --set "agents.logging=true")'),
        (("--set", "agents.logging.enabled=maybe"), "agents.logging.enabled: must be true or false"),
        (("--set", "agents.loging.enabled=true"), 'did you mean "logging"?'),
        (("--set", "platform=foo"), '(in --set "platform=foo")'),
        (("--set", "sidecars=5"), "sidecars must be a mapping"),
        (("--set", "x=y"), 'unknown key "x"'),
        (("--set", "clusterVersion=abc"), '"abc" is no cluster version'),
        (("--cluster-version", "1.3"), "(in --cluster-version)"),
        (("--platform", "x"), "(in --platform)"),
        (("--declaration", "x"), "(in --declaration)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_on_the_command_line_names_the_option(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, stdin=POD)
    assert (done.status, done.stdout, done.stderr.count("\n")) == (1, b"", 1)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("key", "value", "column", "message"),
    [
        ("inject", '"maybe"', 32, 'must be "true" or "false", but is "maybe"'),
        ("agents", "loging", 32, 'there is no agent "loging"; did you mean "logging"?'),
        ("values.logging", "text", 40, "must be a mapping of values"),
        ("values.logging", '"{a: ["', 40, "not YAML or JSON"),
        ("values.logging", '"imgae: {}"', 40, 'did you mean "image"?'),
        ("values.logging", '"enabled: false"', 40, '"enabled" is no value of the template'),
        ("values.logging", '"a: 1\\na: 2"', 40, 'the key "a" stands twice'),
    ],
)
def test_a_mistake_in_an_annotation(key: str, value: str, column: int, message: str) -> None:
    text = POD.replace("{name: p}", f"\n  annotations:\n    sidecar-plugin.dev/{key}: {value}")
    done = run("--cluster-version=1.30", "--set", "agents.logging.enabled=true", stdin=text)
    refused(done, f"<stdin>:5:{column}", f"sidecar-plugin.dev/{key}: ")
    assert message in done.stderr


CONTAINER = "container: {name: a, image: i}\n"
TEMPLATES = [
    pytest.param(f"{CONTAINER}{{% if %}}", "2:1", "Expected an expression", id="syntax"),
    pytest.param(f"{CONTAINER}x: {{{{ nope }}}}", "2:1", "'nope' is undefined", id="undefined"),
    pytest.param(f"\n\n{CONTAINER}x: {{{{ 1 / 0 }}}}", "4:1", "division by zero", id="division by zero"),
    pytest.param("{{ ''.__class__ }}", "1:1", "access to attribute '__class__' of 'str' object is unsafe", id="__class__"),
    pytest.param("{{ '{0.__class__}'.format(1) }}", "1:1", "unsafe", id="__class__ by format"),
    pytest.param("{{ values.update(a=1) }}", "1:1", "unsafe", id="changing the values"),
    pytest.param("{% for i in range(1000000000) %}x{% endfor %}", "1:1", "Range too big", id="a range without end"),
    pytest.param(
        "{% for i in range(99999) %}{{ 'x' * 100 }}{% endfor %}", "1:1", "more than 1000000 characters", id="huge output"
    ),
    pytest.param("{% include '/etc/passwd' %}", "1:1", "there is no file /etc/passwd", id="a file outside"),
    pytest.param("container:\n\tname: x", "2:1", "does not allow tabs", id="rendered: a tab"),
    pytest.param("a: b: c", "1:5", "not YAML", id="rendered: not YAML"),
    pytest.param("", "1:1", "must be a mapping, but is null", id="rendered: nothing"),
    pytest.param(f"{CONTAINER}---\n{CONTAINER}", "3:1", "second document", id="rendered: two documents"),
    pytest.param(f"{CONTAINER}{CONTAINER}", "2:1", "stands twice", id="rendered: a key twice"),
    pytest.param(f"{CONTAINER}volume: []", "2:1", 'unknown key "volume"; did you mean "volumes"?', id="rendered: a wrong key"),
    pytest.param("container: {name: a}", "1:12", '"image" is missing', id="rendered: no image"),
    pytest.param("container: {name: 5, image: i}", "1:19", "must be a string", id="rendered: a name that is a number"),
    pytest.param(f"{CONTAINER}volumes: [x]", "2:11", "must be a mapping", id="rendered: a volume that is a string"),
    pytest.param(f"{CONTAINER}podLabels: {{a: 5}}", "2:16", "must be a string", id="rendered: a label that is a number"),
    *(
        pytest.param(
            f"{CONTAINER}manifests: [{{apiVersion: v1, {rest}}}]", "2:", "manifests", id=f"rendered: a manifest {rest}"
        )
        for rest in (
            "kind: [x], metadata: {name: x}",
            "kind: X, metadata: {name: x, namespace: [a]}",
            "kind: X, metadata: {name: x, annotations: [a]}",
            "kind: X, metadata: {name: x, annotations: text}",
        )
    ),
    pytest.param("container: {name: a, image: \"{{ '\\udc80' }}\"}", "1:", "", id="rendered: a surrogate"),
]


@pytest.mark.parametrize(("template", "place", "message"), TEMPLATES)
def test_a_template_that_fails(template: str, place: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "bad" / "agent.yaml.j2"
    file.parent.mkdir()
    file.write_text(template)
    done = run("--cluster-version=1.30", "--set=agents.bad.enabled=true", "--templates", str(tmp_path), stdin=POD)
    assert (done.status, done.stdout, done.stderr.count("\n")) == (1, b"", 1), done
    workload = "sidecar-plugin: error: <stdin>:1:1: Pod/p: "
    assert done.stderr.startswith((f"{workload}{file}:{place}", f"{workload}{file} (rendered):{place}"))
    assert message in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "place", "message"),
    [
        ("values.yaml", "a: [\n", "2:1", "not YAML"),
        ("values.yaml", "- a\n", "1:1", "the values must be a mapping"),
        ("values.yaml", "a: 1\na: 2\n", "2:1", "stands twice"),
        ("values.yaml", "a: 1\n---\nb: 2\n", "3:1", "second document"),
        ("values.schema.json", "{", "1:1", "not a JSON Schema"),
        ("values.schema.json", '{"type": "foo"}', "1:1", "not a JSON Schema"),
        ("values.schema.json", '{"$ref": "file:///etc/passwd"}', "1:1", "not a JSON Schema"),
    ],
)
def test_an_agent_folder_that_is_wrong(name: str, text: str, place: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "agent.yaml.j2").write_text(CONTAINER)
    (folder / name).write_text(text)
    done = run("--cluster-version=1.30", "--set=agents.bad.enabled=true", "--templates", str(tmp_path), stdin=POD)
    refused(done, f"{folder / name}:{place}", message)


@pytest.mark.parametrize(
    "argument", [b"agents.logging.image.tag=\xff", b"platform=\xff", b"agents.\xff.enabled=true"], ids=["value", "word", "name"]
)
def test_an_argument_that_is_not_utf8_is_refused(argument: bytes) -> None:
    command = [
        sys.executable,
        "-m",
        "sidecar_plugin",
        "--cluster-version=1.30",
        "--set=agents.logging.enabled=true",
        "--set",
        argument,
    ]
    done = subprocess.run(command, input=POD.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is not UTF-8" in done.stderr


def test_a_closed_stdin_is_bad_usage() -> None:
    done = subprocess.run(["sh", "-c", 'exec "$0" -m sidecar_plugin <&-', sys.executable], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"nothing on stdin" in done.stderr


DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\n"
    "spec: {template: {spec: {containers: [{name: app, image: x}]}}}\n"
)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        pytest.param(POD.replace("spec:", "{{- if .Values.x }}\nspec:"), "4:1", "chart's template", id="a block of a template"),
        pytest.param(POD.replace("spec:", '  {{ include "a.labels" . }}\nspec:'), "4:3", "chart's template", id="an include"),
        pytest.param(POD.replace("name: p", "name: {{ .Release.Name }}"), "3:19", "chart's template", id="inside a line"),
    ],
)
def test_an_unrendered_template_is_named_as_such(text: str, place: str, words: str) -> None:
    done = run("--cluster-version=1.30", "--set=agents.logging.enabled=true", stdin=text)
    assert (done.status, done.stdout) == (1, b"")
    assert done.stderr.startswith(f"sidecar-plugin: error: <stdin>:{place}: ")
    assert words in done.stderr


@pytest.mark.parametrize(("line", "missing"), [("apiVersion: apps/v1\n", "apiVersion"), ("kind: Deployment\n", "kind")])
def test_a_workload_without_version_or_kind_is_a_warning(line: str, missing: str) -> None:
    text = DEPLOYMENT.replace(line, "")
    done = run("--cluster-version=1.30", "--set=agents.logging.enabled=true", stdin=text)
    assert (done.status, done.stdout.decode()) == (0, text)
    assert f"no {missing}" in done.stderr


def test_an_agent_of_ones_own_with_a_misspelt_template() -> None:
    settings = "--set=agents.own.enabled=true,agents.own.templat=x"
    assert 'did you mean "template" by its key "templat"' in run("--cluster-version=1.30", settings, stdin=POD).stderr


def test_messages_of_values_say_what_is_wanted_and_no_expression() -> None:
    for value in (
        "sources[0].path=var/log",
        "output.host=http://loki",
        "output.host=loki:3100",
        "sources[0].path=/x/../y",
        "image.digest=x",
    ):
        enabled = (
            f"agents.logging.enabled=true,agents.logging.output.type=loki,agents.logging.output.host=x,agents.logging.{value}"
        )
        said = run("--cluster-version=1.30", "--set", enabled, stdin=POD).stderr
        assert f"agents.logging.{value.partition('=')[0]}: must be " in said
        assert "^" not in said

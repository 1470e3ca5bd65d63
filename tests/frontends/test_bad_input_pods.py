"""Bad and odd ways to write a workload: wrong types, duplicate keys, flow style, JSON, anchors, merges, tags, lists."""

import json

import pytest

from sidecar_plugin.injection.marker import INJECTED
from tests.support.command import handles, inject, leaves, refuses, run

HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: d
spec:
  template:
    metadata:
      labels: {a: b}
      annotations: {c: d}
    spec:
      containers:
      - name: app
        env: []
        volumeMounts: []
      initContainers: []
      volumes: []
"""

WRONG = {"a list": "[]", "a mapping": "{}", "a string": "text", "a number": "7", "an empty string": '""'}
DEPLOYMENT_HEAD = "apiVersion: apps/v1\nkind: Deployment\n"
STEPS = [  # the text up to the value, its field, its place, what it must be, and the text behind it
    (f"{DEPLOYMENT_HEAD}spec: ", "spec", "3:7", "mapping", ""),
    (f"{DEPLOYMENT_HEAD}spec:\n  template: ", "spec.template", "4:13", "mapping", ""),
    (f"{DEPLOYMENT_HEAD}spec:\n  template:\n    spec: ", "spec.template.spec", "5:11", "mapping", ""),
    ("apiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate: ", "spec.jobTemplate", "4:16", "mapping", ""),
    ("apiVersion: v1\nkind: Pod\nmetadata: ", "metadata", "3:11", "mapping", "\nspec: {containers: [{name: a}]}"),
    (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations: ",
        "metadata.annotations",
        "4:16",
        "mapping",
        "\nspec: {containers: [{name: a}]}",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  labels: ",
        "metadata.labels",
        "4:11",
        "mapping",
        "\nspec: {containers: [{name: a}]}",
    ),
    (f"{HEAD}spec:\n  containers: ", "spec.containers", "5:15", "list", ""),
    (f"{HEAD}spec:\n  containers:\n  - ", "spec.containers[0]", "6:5", "mapping", ""),
    (f"{HEAD}spec:\n  containers:\n  - name: a\n  - ", "spec.containers[1]", "7:5", "mapping", ""),
    (f"{HEAD}spec:\n  containers: [{{name: a}}]\n  initContainers: ", "spec.initContainers", "6:19", "list", ""),
    (f"{HEAD}spec:\n  containers: [{{name: a}}]\n  volumes: ", "spec.volumes", "6:12", "list", ""),
    (f"{HEAD}spec:\n  containers:\n  - name: a\n    env: ", "spec.containers[a].env", "7:10", "list", ""),
    (f"{HEAD}spec:\n  containers:\n  - name: a\n    volumeMounts: ", "spec.containers[a].volumeMounts", "7:19", "list", ""),
    ("apiVersion: v1\nkind: PodList\nitems: ", "items", "3:8", "list", ""),
]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("before", "field", "place", "type_", "behind"), STEPS, ids=[step[1] for step in STEPS])
def test_a_wrong_type_on_the_way_to_the_pod_is_refused(
    before: str, field: str, place: str, type_: str, behind: str, wrong: str
) -> None:
    if type_ not in wrong:
        refuses(f"{before}{WRONG[wrong]}{behind}\n", place, f"{field}: must be a {type_}, but is ")


@pytest.mark.parametrize("null", ["", "null", "~"])
@pytest.mark.parametrize(("before", "field", "place", "type_", "behind"), STEPS, ids=[step[1] for step in STEPS])
def test_null_on_the_way_to_the_pod_is_as_if_it_were_missing(
    before: str, field: str, place: str, type_: str, behind: str, null: str
) -> None:
    text = f"{before}{null}{behind}\n"
    if field.endswith("]"):
        refuses(text, place.partition(":")[0], f"{field}: must be a mapping, but is null")
    elif field in ("spec", "spec.template", "spec.template.spec", "spec.jobTemplate", "spec.containers", "items"):
        leaves(text, "no workloads" if field == "items" else f"{field} is {'empty' if field[-1:] == 's' else 'missing'}")
    else:
        handles(text)


@pytest.mark.parametrize("spec", ["{}", "{containers: }", "{containers: []}", "{initContainers: [{name: a}]}"])
def test_a_pod_without_containers_is_left_alone_with_a_warning(spec: str) -> None:
    leaves(f"{HEAD}spec: {spec}\n", "spec.containers is empty, nothing to inject into")


@pytest.mark.parametrize("name", ["", "name: ", 'name: ""', "name: []", "name: {}"])
def test_a_container_without_a_name_is_refused(name: str) -> None:
    refuses(f"{HEAD}spec:\n  containers:\n  - image: x\n    {name}\n", "6:5", "the container has no name")


def test_two_containers_of_one_name_are_refused() -> None:
    refuses(f"{HEAD}spec:\n  containers:\n  - name: a\n  - name: a\n", "7", '"a"')


@pytest.mark.parametrize(
    ("line", "text", "first"),
    [
        pytest.param(2, "apiVersion: apps/v1", 1, id="apiVersion"),
        pytest.param(3, "kind: ConfigMap", 2, id="kind"),
        pytest.param(17, "metadata: {}", 3, id="metadata"),
        pytest.param(17, "spec: {}", 5, id="spec"),
        pytest.param(17, "spec:", 5, id="spec, null"),
        pytest.param(17, "  template: {}", 6, id="template"),
        pytest.param(17, "    metadata: {}", 7, id="metadata of the template"),
        pytest.param(17, "    metadata: ~", 7, id="metadata of the template, null"),
        pytest.param(9, "      labels: {}", 8, id="labels"),
        pytest.param(10, "      annotations: {}", 9, id="annotations"),
        pytest.param(17, "    spec: {}", 10, id="spec of the template"),
        pytest.param(17, "      containers: []", 11, id="containers"),
        pytest.param(17, "      containers:", 11, id="containers, null"),
        pytest.param(17, "      initContainers: []", 15, id="initContainers"),
        pytest.param(17, "      initContainers:", 15, id="initContainers, null"),
        pytest.param(17, "      volumes: []", 16, id="volumes"),
        pytest.param(14, "        env: []", 13, id="env"),
        pytest.param(15, "        volumeMounts: []", 14, id="volumeMounts"),
        pytest.param(13, "        name: other", 12, id="name of a container"),
    ],
)
def test_a_key_that_stands_twice_on_the_way_is_refused(line: int, text: str, first: int) -> None:
    lines = DEPLOYMENT.splitlines()
    lines.insert(line - 1, text)
    column = len(text) - len(text.lstrip()) + 1
    refuses("\n".join(lines) + "\n", f"{line}:{column}", f"stands twice (first in line {first})")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{DEPLOYMENT}  replicas: 1\n  replicas: 2\n", id="in the spec"),
        pytest.param(DEPLOYMENT.replace("- name: app", "- name: app\n        image: a\n        image: b"), id="in a container"),
        pytest.param(DEPLOYMENT.replace("{c: d}", "{c: d, c: e}"), id="among annotations"),
        pytest.param(f"{DEPLOYMENT}---\nkind: ConfigMap\ndata: {{a: b, a: c}}\n", id="in another document"),
    ],
)
def test_a_key_that_stands_twice_elsewhere_is_left_alone(text: str) -> None:
    handles(text)


def test_items_that_stand_twice_are_refused() -> None:
    refuses("apiVersion: v1\nkind: PodList\nitems: [{spec: {containers: [{name: a}]}}]\nitems: []\n", "4:1", "stands twice")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}\n", id="all on one line"),
        pytest.param("{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}", id="without a line end"),
        pytest.param(f"{HEAD}spec:\n  containers: [{{name: app, image: a}}]\n", id="containers"),
        pytest.param(f"{HEAD}spec:\n  containers: [ {{ name: app, }} , ]\n", id="spaces and commas"),
        pytest.param(f"{HEAD}spec:\n  containers: [\n    {{name: a}},\n    {{name: b}},\n  ]\n", id="a container a line"),
        pytest.param(
            f"{HEAD}spec: {{\n  containers: [\n    {{\n      name: a\n    }}\n  ]\n}}\n", id="braces on their own lines"
        ),
        pytest.param(f"{HEAD}spec: {{containers: [{{name: a}} # c\n  ] # d\n  }}\n", id="comments within"),
        pytest.param(f"{HEAD}spec: {{\n  containers: [{{name: a}}], # c\n  # d\n}}\n", id="comments at the end"),
        pytest.param(f"{HEAD}spec: {{containers: [{{name: a, image: b\n    c}}], x: d e, y: }}\n", id="plain scalars"),
        pytest.param(f"{HEAD}spec: {{? containers : [{{? name : a}}]}}\n", id="explicit keys"),
        pytest.param(f"x: &x {{}}\n{HEAD}spec: {{containers: [{{name: a, y: *x }}], z: *x }}\n", id="aliases at the end"),
    ],
)
def test_flow_style_is_extended_in_flow_style(text: str) -> None:
    handles(text)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param("spec: {containers: [name: a]}", "4:21", "put it in braces", id="a pair without braces"),
        pytest.param("spec: {containers: [{name: a}], x}", "4:33", "write it as null", id="a key without a value"),
        pytest.param("spec: {containers: [{name: a}], volumes: }", "4:42", "write [] or leave it out", id="volumes: nothing"),
        pytest.param("spec: {containers: [{name: a}], volumes: null}", "4:42", "write [] or leave it out", id="volumes: null"),
        pytest.param("spec: {containers: [{name: a}], volumes}", "4:40", "write [] or leave it out", id="volumes"),
    ],
)
def test_flow_style_that_cannot_be_extended_is_refused(text: str, place: str, message: str) -> None:
    refuses(f"{HEAD}{text}\n", place, message)


JSON_POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "x": '"\n/é'}]}}


@pytest.mark.parametrize(
    "data", [JSON_POD, {"apiVersion": "v1", "kind": "List", "items": [JSON_POD, JSON_POD]}], ids=["Pod", "List"]
)
@pytest.mark.parametrize("end", ["\n", ""], ids=["line end", "no line end"])
@pytest.mark.parametrize("indent", [None, 0, 2, 4, "\t"])
def test_json_stays_json(data: object, indent: int | str | None, end: str) -> None:
    for ascii_only in (True, False):
        assert json.loads(handles(json.dumps(data, indent=indent, ensure_ascii=ascii_only) + end))


def test_json_with_a_null_that_would_have_to_be_replaced_is_refused() -> None:
    refuses(json.dumps({**JSON_POD, "metadata": {"annotations": None}}), "1:65", "write {} or leave it out")


def test_a_second_json_value_without_a_separator_is_refused() -> None:
    refuses(f"{json.dumps(JSON_POD)}\n{json.dumps(JSON_POD)}\n", "2:1", "put a line with ---")


ENV = "  - name: a\n    env: &e\n    - {name: A, value: b}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD}spec:\n  containers: &c\n{ENV}", id="anchors that nobody uses"),
        pytest.param(f"{HEAD}spec:\n  containers:\n{ENV}  - name: b\n    env: *e\n", id="env shared by all containers"),
        pytest.param(f"{HEAD}spec:\n  containers:\n  - &c\n    name: a\n", id="an anchor on a container"),
        pytest.param(f"{HEAD}spec:\n  containers:\n  - &c name: a\n    image: b\n", id="an anchor on a key"),
        pytest.param(f"x: &k Pod\n{HEAD.replace('Pod', '*k')}spec: {{containers: [{{name: *k }}]}}\n", id="kind and name"),
        pytest.param(f"x: &k containers\n{HEAD}spec:\n  *k : [{{name: a}}]\n", id="an alias as a key"),
        pytest.param(f"x: &x {{image: i}}\n{HEAD}spec:\n  containers:\n  - <<: *x\n    name: a\n", id="a merge first"),
        pytest.param(f"x: &x {{image: i}}\n{HEAD}spec:\n  containers:\n  - name: a\n    <<: *x\n", id="a merge last"),
        pytest.param(f"x: &x {{image: i}}\n{HEAD}spec: {{containers: [{{<<: [*x ], name: a}}]}}\n", id="a merge in flow style"),
        pytest.param(f"{HEAD}spec:\n  containers:\n  - name: a\n    <<: {{env: []}}\n", id="a merge gives the list that grows"),
        pytest.param(f"{HEAD}spec: {{<<: {{containers: [{{name: a}}]}}}}\n", id="a merge gives the containers"),
        pytest.param("apiVersion: v1\nkind: Pod\n<<: {spec: {containers: [{name: a}]}}\n", id="a merge gives the spec"),
        pytest.param(
            "apiVersion: v1\nkind: Pod\n<<: {metadata: {name: p}}\nspec: {containers: [{name: a}]}\n",
            id="a merge gives metadata",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  <<: {annotations: {a: b}}\nspec: {containers: [{name: a}]}\n",
            id="a merge gives annotations",
        ),
        pytest.param(
            f"x: &x {{a: b}}\n{HEAD.replace('{name: p}', '{labels: {<<: *x }}')}spec: {{containers: [{{name: a}}]}}\n",
            id="labels",
        ),
    ],
)
def test_anchors_and_merges_that_are_safe_are_handled(text: str) -> None:
    handles(text)


@pytest.mark.parametrize(
    ("text", "place", "field"),
    [
        pytest.param(f"{HEAD}spec:\n  containers:\n{ENV}x: *e\n", "7:10", "spec.containers[a].env", id="env, used elsewhere"),
        pytest.param(
            f"x: &e []\n{HEAD}spec: {{containers: [{{name: a, env: *e }}]}}\n", "1:4", "spec.containers[a].env", id="env"
        ),
        pytest.param(
            f"{HEAD}spec: {{containers: [{{name: a, env: &e [], volumeMounts: *e }}]}}\n",
            "4:36",
            "spec.containers[a].env",
            id="both lists",
        ),
        pytest.param(f"x: &c [{{name: a}}]\n{HEAD}spec: {{containers: *c }}\n", "1:8", "spec.containers[a]", id="containers"),
        pytest.param(f"x: &c {{name: a}}\n{HEAD}spec: {{containers: [*c ]}}\n", "1:4", "spec.containers[a]", id="a container"),
        pytest.param(f"x: &s {{containers: [{{name: a}}]}}\n{HEAD}spec: *s\n", "1:21", "spec.containers[a]", id="the spec"),
        pytest.param(
            f"x: &s {{containers: [{{name: a}}]}}\n{HEAD}spec: {{<<: *s }}\n", "1:21", "spec.containers[a]", id="merged"
        ),
        pytest.param(
            f"x: &l {{a: b}}\n{HEAD.replace('{name: p}', '{labels: *l }')}spec: {{containers: [{{name: a}}]}}\n",
            "1:4",
            "metadata.labels",
            id="labels",
        ),
        pytest.param(
            f"&r\n{HEAD}spec: {{containers: [{{name: a}}]}}\nx: *r\n", "5:21", "spec.containers[a]", id="the document"
        ),
    ],
)
def test_what_shows_elsewhere_through_an_alias_is_refused(text: str, place: str, field: str) -> None:
    refuses(text, place, f"{field}: is shared with other places through an alias")


@pytest.mark.parametrize("null", ["volumes: &v", "volumes: &v null", "? volumes"])
def test_a_null_that_cannot_become_a_comment_is_refused(null: str) -> None:
    refuses(f"{HEAD}spec:\n  containers: [{{name: a}}]\n  {null}\n", "6", "null and cannot be filled as it is written")


POD = f"{HEAD}spec:\n  containers:\n  - name: app\n    image: app:1\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "? apiVersion\n: v1\n? kind\n: Pod\n? spec\n: ? containers\n  : - ? name\n      : app\n", id="explicit keys"
        ),
        pytest.param(f"{HEAD}spec:\n  ? containers\n  : - name: a\n  ? volumes\n  : - name: b\n", id="explicit keys of lists"),
        pytest.param(f"{HEAD}spec:\n  containers: [{{name: a}}]\n  ? volumes\n  :\n", id="an explicit key, empty"),
        pytest.param(f"{HEAD}spec:\n  containers: [{{name: a}}]\n  ? volumes\n  : ~\n", id="an explicit key, null"),
        pytest.param(f"{POD}    ? |\n      a\n    : b\n", id="an explicit key that is a block scalar"),
        pytest.param(POD.replace("kind:", "'kind':").replace("containers:", '"containers":'), id="quoted keys"),
        pytest.param(POD.replace("kind:", r'"k\x69nd":').replace("spec", r'"sp\u0065c"'), id="keys with escapes"),
        pytest.param(POD.replace("Pod", r'"P\x6fd"'), id="a kind with escapes"),
        pytest.param(POD.replace("Pod", '"Po\\\n  d"'), id="a kind folded in quotes"),
        pytest.param(POD.replace("Pod", ">-\n  Pod"), id="a kind in a block scalar"),
        pytest.param(POD.replace(" Pod", "\n  Pod"), id="a kind on the next line"),
        pytest.param(POD.replace("Pod", "!!str Pod"), id="a kind with a tag"),
        pytest.param(POD.replace("spec:", "spec: !!map").replace("containers:", "containers: !!seq"), id="tags"),
        pytest.param(POD.replace("spec:", "spec: !<tag:yaml.org,2002:map>"), id="a tag written out"),
        pytest.param(POD.replace("spec:", "spec: !mine").replace("- name", "- !mine\n    name"), id="tags of the author's"),
        pytest.param(POD.replace("containers:", "!!str containers:"), id="a tag on a key"),
        pytest.param(POD.replace("name: app", r'name: "a].b[c \" é"'), id="a container's name with brackets and quotes"),
    ],
)
def test_odd_keys_kinds_and_tags_are_handled(text: str) -> None:
    handles(text)


@pytest.mark.parametrize(
    "more",
    [
        "name: 5",
        "name: 1.30",
        "name: true",
        "name: 0777",
        "1: a",
        "true: a",
        "null: a",
        "1.5: a",
        "ports: [{containerPort: -1}]",
        f"ports: [{{containerPort: {'9' * 10_000}}}]",
        "ports: text",
        "env: [a, 5, null]",
        "env: [[{name: A}]]",
        "env: [{value: x}]",
        "env: [{name: {a: b}}]",
        "volumeMounts: [null]",
        "volumeMounts: [{name: x}]",
        "x: !!python/object/apply:os.system [id]",
        "x: !Custom {a: b}",
        "x: !!binary aGk=",
    ],
)
def test_odd_values_are_the_api_servers_to_judge(more: str) -> None:
    """What we need not understand to add an agent stays as it is."""
    text = f"{HEAD}spec:\n  containers:\n  - image: app:1\n    {'' if more.startswith('name') else 'name: app'}\n    {more}\n"
    done = inject(text)
    assert done.status == 0, done.stderr
    assert INJECTED.encode() in done.stdout
    assert run("uninject", "-", stdin=done.stdout).stdout == text.encode()


@pytest.mark.parametrize("kind", ["pod", "Pods", '"Pod "', "|\n  Pod", "[Pod]", "{Pod: Pod}", "7"])
def test_a_kind_that_is_none_is_left_alone(kind: str) -> None:
    leaves(POD.replace("Pod", kind))


ITEM = "- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n  spec:\n    containers:\n    - name: app\n"
LIST = "apiVersion: v1\nkind: List\nitems:\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{LIST}{ITEM}{ITEM}", id="List"),
        pytest.param(
            f"{LIST}- apiVersion: v1\n  kind: List\n  items:\n  {ITEM.replace(chr(10), chr(10) + '  ')[:-2]}{ITEM}",
            id="in a List",
        ),
        pytest.param("apiVersion: v1\nkind: PodList\nitems:\n- spec: {containers: [{name: a}]}\n", id="items without kind"),
        pytest.param(
            f"apiVersion: v1\nkind: PodList\nitems:\n- spec: {{containers: [{{name: a}}]}}\n{ITEM}", id="some with kind"
        ),
        pytest.param(f"{LIST}-\n{ITEM}- kind: ConfigMap\n- text\n", id="items that are no workloads"),
    ],
)
def test_lists_are_gone_through(text: str) -> None:
    handles(text)


def test_the_place_of_a_mistake_in_a_list_is_the_item() -> None:
    refuses(
        f"{LIST}{ITEM}{ITEM.partition('containers')[0]}containers: 5\n", "14:17", "items[1].spec.containers: must be a list"
    )


def test_an_item_that_is_used_twice_is_refused() -> None:
    refuses(f"{LIST}- &p\n  {ITEM[2:]}- *p\n", "10:7", "items[0].spec.containers[app]: is shared")

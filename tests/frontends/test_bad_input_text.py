"""Bad and odd text: encodings, line ends, depth, bombs, and the edges of a stream."""

import re

import pytest

from sidecar_plugin.injection.marker import INJECTED
from tests.support.command import handles, inject, leaves, refused, refuses, run

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: p
spec:
  containers:
  - name: app
    image: app:1
"""
HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param(f"{POD}a: b: c\n", "9:5", "mapping values are not allowed", id="not YAML"),
        pytest.param("kind: Pod\na: [1, 2\n", "3:1", "expected ',' or ']'", id="a list that is not closed"),
        pytest.param('kind: Pod\na: "x\n', "3:1", "unexpected end of stream", id="a quote that is not closed"),
        pytest.param("kind: Pod\nspec:\n\t- a\n", "3:1", "does not allow tabs", id="a tab as indentation"),
        pytest.param(POD.replace("- name", "-\tname"), "7:4", "does not allow tabs", id="a tab behind a dash"),
        pytest.param("a: *nope\n", "1:4", "the alias *nope has no anchor", id="an alias of nothing"),
        pytest.param("? [a]\n: b\n", "1:3", "a mapping's key must be a string", id="a list as a key"),
        pytest.param(f"{POD}x: \0\n", "9:4", "NUL", id="NUL"),
        pytest.param(f'{POD}x: "\x07"\n', "9:5", "control characters", id="a control character"),
        pytest.param(POD.encode() + b"x: \xff\n", "9:4", "byte 0xff is not UTF-8", id="invalid UTF-8"),
        pytest.param(POD.encode() + b'x: "\xc3\xa9" # \xc3\x28\n', "9:10", "0xc3 is not UTF-8", id="UTF-8 cut short"),
        pytest.param(POD.encode() + b"x: \xed\xa0\x80\n", "9:4", "0xed is not UTF-8", id="a surrogate in UTF-8"),
        pytest.param(POD.encode("utf-16"), "1:1", "UTF-16; save it as UTF-8", id="UTF-16 LE with its mark"),
        pytest.param(b"\xfe\xff" + POD.encode("utf-16-be"), "1:1", "UTF-16; save it", id="UTF-16 BE with its mark"),
        pytest.param(POD.encode("utf-16-le"), "1:2", "is this UTF-16?", id="UTF-16 LE without"),
        pytest.param(POD.encode("utf-16-be"), "1:1", "is this UTF-16?", id="UTF-16 BE without"),
        pytest.param(POD.encode("utf-32"), "1:1", "UTF-32", id="UTF-32"),
        pytest.param(f"%YAML 2.0\n---\n{POD}", "1:1", "incompatible", id="%YAML of another version"),
        pytest.param(f"%FOO bar\n---\n{POD}", "1:5", "unknown directive", id="a directive that there is not"),
        pytest.param(f"%YAML 1.1\n{POD}", "2:1", "<document start>", id="a directive without ---"),
        pytest.param(POD.replace("spec:", "spec: !e!map"), "5:7", "undefined tag handle", id="a tag without %TAG"),
        pytest.param(b"\xef\xbb\xbf" * 2 + POD.encode(), "1:1", "a second byte order mark", id="two byte order marks"),
        pytest.param(f"{POD}---\n\ufeff{POD}", "10:1", "byte order mark", id="a byte order mark in mid stream"),
        pytest.param(f'{POD}x: "\\uD800"\n', "9:7", "YAML knows no surrogate pairs", id="a surrogate as an escape"),
        pytest.param(f'{POD}x: "\\U00110000"\n', "9:7", "invalid Unicode", id="an escape beyond Unicode"),
        pytest.param(f"{POD}# \x1b[31m\n", "9:3", "control characters", id="an escape sequence in a comment"),
        pytest.param(f"{POD}\x0c\n", "9:1", "control characters", id="a form feed"),
        pytest.param(POD.replace("app:1", "{{ .Values.image }}"), "8", "helm template", id="a template not rendered"),
        pytest.param("Error: INSTALLATION FAILED: x: y\n", "1:27", "mapping values", id="the words of a helm that failed"),
        pytest.param(b"\x1f\x8b\x08\x00\x00", "1:2", "0x8b is not UTF-8", id="gzip"),
        pytest.param(b"\x7fELF\x02\x01\x01\x00", "1:8", "NUL", id="a program"),
        pytest.param(f"%YAML 1.1\n%YAML 1.1\n---\n{POD}", "2:1", "duplicate %YAML", id="%YAML twice"),
        pytest.param(f"{POD}x: !<> a\n", "9:6", "expected tag URI", id="a tag of nothing"),
        pytest.param(f"{POD}...\n{POD}", "10:1", "<document start>", id="... and then no ---"),
        pytest.param("...\n", "1:1", "expected node content", id="nothing but ..."),
        pytest.param(f"{POD}    {'k' * 2000}: v\n", "9:2005", "could not find expected ':'", id="a key too long"),
    ],
)
def test_text_that_is_not_yaml_is_refused(text: str | bytes, place: str, message: str) -> None:
    refuses(text, place, message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "   \n",
        "# a comment",
        "# a comment\n",
        "---",
        "---\n",
        "---\n---\n",
        "---\n...\n",
        "\ufeff",
        "text\n",
        "- a\n",
        "~\n",
    ],
)
def test_a_stream_without_a_mapping_is_left_alone(text: str) -> None:
    leaves(text, "no workloads")


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\x85", "\u2028", "\u2029"], ids=["CRLF", "CR", "NEL", "LS", "PS"])
@pytest.mark.parametrize("end", ["", "newline"], ids=["no line end", "line end"])
def test_lines_end_as_the_author_ends_them(newline: str, end: str) -> None:
    output = handles((POD if end else POD[:-1]).replace("\n", newline))
    if newline in ("\r\n", "\r"):
        assert "\n" not in output.replace(newline, "")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xef\xbb\xbf" + POD.encode(), id="byte order mark"),
        pytest.param(POD.replace("\n", "\r\n", 3), id="CRLF in some lines"),
        pytest.param(POD[:-1] + "\r", id="the last line ends in CR"),
        pytest.param(POD.replace("app:1", '"a\x85p\u2028p"'), id="NEL and LS in a string"),
        pytest.param(f"{POD}    x: |\n      a\u2028      b\n", id="LS in a block scalar"),
        pytest.param(f"{POD}# x\u2029# y\n", id="PS in a comment"),
        pytest.param(POD.replace("image: app", "image:\tapp"), id="a tab behind a colon"),
        pytest.param(POD.replace("app:1", '"\\0\\e[31m"'), id="NUL and ESC as escapes"),
        pytest.param(POD.replace("app:1", "\ufeffapp"), id="a byte order mark in a string"),
        pytest.param(POD.replace("app:1", "a\u0301\U0010ffff"), id="combining and last characters"),
        pytest.param(f"{POD}...\n...\n", id="ended twice"),
        pytest.param(f"{POD}...\n", id="ended with ..."),
        pytest.param(f"{POD}...", id="ended with ... and no line end"),
        pytest.param(f"{POD}... # c\n# d\n", id="ended with ... and comments"),
        pytest.param(f"{POD}...\n---\n{POD}", id="... and ---"),
        pytest.param(f"{POD}...\n%YAML 1.1\n---\n{POD}", id="... and a directive"),
        pytest.param(f"%YAML 1.2\n---\n{POD}", id="%YAML"),
        pytest.param(f"%TAG !e! tag:yaml.org,2002:\n---\n{POD.replace('spec:', 'spec: !e!map')}", id="%TAG, used"),
        pytest.param(f'{POD}---\na: "\n%b"\n', id="% at the start of a line of a string"),
        pytest.param(f"{POD}    x: |\n---\n{POD}", id="--- behind a block scalar"),
        pytest.param(f"--- # c\n{POD}", id="a comment behind ---"),
        pytest.param(f"--- !!map\n{POD}", id="a tag behind ---"),
        pytest.param("--- {apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}\n", id="content behind ---"),
        pytest.param(POD[:-1], id="no line end"),
        pytest.param(f"{POD}# c", id="no line end behind a comment"),
        pytest.param(f"{POD}    # c", id="no line end behind an indented comment"),
        pytest.param(f"{POD}  ", id="no line end behind spaces"),
        pytest.param(f'{POD}    x: "a"', id="no line end behind a string"),
        pytest.param(f"{POD}    x:", id="no line end behind a key"),
        pytest.param(f"{POD}  volumes:", id="no line end behind the key that is filled"),
        pytest.param(f"{POD}  volumes: []", id="no line end behind a flow list"),
        pytest.param(f"{POD}    x: |-\n      a", id="no line end behind a stripped block scalar"),
    ],
)
def test_odd_text_is_kept(text: str | bytes) -> None:
    handles(text)


BLOCK_SCALARS = ["|", "|-", "|+", ">", ">-", ">+", "|2", "|2-", ">+2", "|  # c", "| # +"]
PLACES = {
    "in an image": "spec:\n  containers:\n  - name: app\n    image: {}\n      text",
    "at the end of env": "spec:\n  containers:\n  - name: app\n    env:\n    - name: X\n      value: {}\n        text",
    "at the end of args": "spec:\n  containers:\n  - name: app\n    args:\n    - {}\n      text",
    "at the end of volumes": "spec:\n  containers: [{{name: app}}]\n  volumes:\n  - name: {}\n      text",
    "at the end of annotations": "spec:\n  containers: [{{name: app}}]\nmetadata:\n  annotations:\n    x: {}\n      text",
}
ENDS = ["\n", "\n\n", "\n\n\n", "\n      \n", "\n# c\n", "\n---\n", "\n...\n"]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("header", BLOCK_SCALARS)
def test_block_scalars_next_to_an_insertion_keep_their_text(where: str, header: str) -> None:
    for end in ENDS:
        text = f"apiVersion: v1\nkind: Pod\n{PLACES[where].format(header)}{end}"
        handles(text)
        handles(text.replace("\n", "\r\n"))


@pytest.mark.parametrize("header", ["|", "|+", ">", ">+", "|2"])
def test_a_block_scalar_without_a_line_end_would_get_one_and_is_refused(header: str) -> None:
    refuses(f"{POD}    x: {header}\n      a", "10:8", "end the file with a line break")


MANY = 100_000


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param(f"{HEAD}x: {'[' * 10_000}{']' * 10_000}\n", "4:1003", id="10,000 flow lists"),
        pytest.param(f"{HEAD}x: {'{a: ' * 10_000}{'}' * 10_000}\n", "4:4000", id="10,000 flow mappings"),
        pytest.param(f"{HEAD}x:\n  {'- ' * 10_000}a\n", "5:2001 5:1999", id="10,000 block lists"),
        pytest.param(HEAD + "".join(f"{' ' * i}a:\n" for i in range(3_000)), "1004:1001 1003:1001", id="3,000 block mappings"),
        pytest.param(f"{HEAD}x: {'[' * MANY}", "4:1003", id="100,000 brackets"),
        pytest.param("[" * MANY, "1:1001", id="100,000 brackets and nothing else"),
        pytest.param(f"a: {'[' * MANY}{']' * MANY}", "1:1003", id="100,000 brackets in no workload"),
        pytest.param(f"%YAML 1.1\n---\n{'[' * MANY}", "3:1001", id="100,000 brackets below a directive"),
        pytest.param(f"{HEAD}x: {'&a [ ' * 5_000}", "4:4999 4:5002", id="5,000 anchors"),
    ],
)
def test_nesting_has_a_bound(text: str, places: str) -> None:
    """The second place is that of libyaml's own bound, which 0.2.5 does not have."""
    done = inject(text)
    refused(
        done,
        f"<stdin>:{max(places.split(), key=lambda place: f':{place}: ' in done.stderr)}",
        "nested more than 1000 levels deep",
    )


def test_what_libyaml_cannot_read_is_refused_in_no_workload_too() -> None:
    """libyaml 0.2.5 reads it."""
    done = inject(f"{'- ' * MANY}a\n")
    if done.status:
        refused(done, "<stdin>:1:1999", "nested more than 1000 levels deep")
    else:
        assert done.stdout.decode() == f"{'- ' * MANY}a\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'a: "{"[" * MANY}"\n', id="100,000 brackets in a string"),
        pytest.param("---\n" * 100_000, id="100,000 documents"),
        pytest.param("a: b\n---\n" * 10_000, id="10,000 small documents"),
        pytest.param("#\n" * MANY, id="100,000 comments"),
        pytest.param(f"a: {' ' * 1_000_000}b\n", id="1,000,000 spaces"),
        pytest.param(f"kind: ConfigMap\ndata: {{a: '{'x' * 10_000_000}'}}\n", id="a line of 10 MB"),
        pytest.param("kind: ConfigMap\na: |\n" + "\n" * 1_000_000, id="1,000,000 empty lines"),
        pytest.param("-" * 1_000_000, id="1,000,000 dashes"),
    ],
)
def test_much_of_nothing_takes_no_time(text: str) -> None:
    leaves(text)


HUGE = {
    "plain": f"    x: {'y' * 10_000_000}\n",
    "quoted": f'    x: "{"y" * 10_000_000}"\n',
    "a block": f"    x: |\n      {'y' * 10_000_000}\n",
    "a comment": f"    # {'y' * 10_000_000}\n",
    "1,500 containers": "".join(f"  - name: c{number}\n" for number in range(1_500)),
    "20,000 variables": "    env:\n" + "".join(f"    - name: E{number}\n" for number in range(20_000)),
    "2,000 containers that share a list": "    env: &e []\n"
    + "".join(f"  - name: c{number}\n    env: *e\n" for number in range(2_000)),
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_what_is_huge_in_a_pod_takes_its_time_in_proportion(text: str) -> None:
    """Injecting and taking out, 2 s of computing at most each; 4,000 containers once took 22 s to take out."""
    before = f"{POD}{text}".encode()
    done = inject(before)
    assert done.status == 0, done.stderr
    assert INJECTED.encode() in done.stdout
    assert run("uninject", "-", stdin=done.stdout).stdout == before


def bomb(first: str, level: str, count: int = 9) -> str:
    """Return `a0` to `a<count>`, each with nine aliases of the one before."""
    levels = (f"a{i + 1}: &a{i + 1} {level.format(', '.join([f'*a{i}'] * 9))}\n" for i in range(count))
    return f"a0: &a0 {first}\n{''.join(levels)}"


LISTS, MERGES = bomb("[x]", "[{}]"), bomb("{k: v}", "{{<<: [{}]}}")
LISTS_OF_LISTS = re.sub(r"\*a\d", r"{kind: List, items: \g<0> }", bomb("[{}]", "[{}]"))
SETTINGS = "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\n"


def test_a_bomb_that_nobody_reads_stays() -> None:
    handles(f"{HEAD}spec: {{containers: [{{name: a}}]}}\n{bomb('[x]', '[{}]', 3)}")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param(f"{LISTS}{HEAD}spec: {{containers: *a9 }}\n", "10:10", "spec.containers[0]", id="as containers"),
        pytest.param(
            f"{LISTS}{SETTINGS}spec: {{agents: {{agent: {{x: *a9 }}}}}}\n", "1:10", "100000 values", id="beside the spec"
        ),
        pytest.param(
            f"{SETTINGS}spec:\n  agents:\n    agent:\n{''.join(f'      {line}' for line in LISTS.splitlines(True))}",
            "7:26",
            "100000 values",
            id="in settings",
        ),
        pytest.param(
            f"apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    sidecar-plugin.dev/values.agent: |\n"
            f"{''.join(f'      {line}' for line in LISTS.splitlines(True))}spec: {{containers: [{{name: a}}]}}\n",
            "5:38",
            "100000 values",
            id="in an annotation",
        ),
        pytest.param(
            f"{HEAD}spec: {{containers: &a [*a ]}}\n", "4:24", "must be a mapping", id="containers that hold themselves"
        ),
        pytest.param(f"{SETTINGS}spec: &a {{agents: *a }}\n", "3", "deep", id="settings that hold themselves"),
    ],
)
def test_an_alias_bomb_is_refused_at_once(text: str, place: str, message: str) -> None:
    refuses(text, place, message)


IN_PORTS = [
    pytest.param(f"{LISTS}{HEAD}spec: {{containers: [{{name: a, ports: *a9 }}]}}\n", "2:30", "100000 values", id="a bomb"),
    pytest.param(f"{HEAD}spec: {{containers: [{{name: a, ports: &p [*p ]}}]}}\n", "4:42", "deep", id="one that holds itself"),
]


@pytest.mark.parametrize(("text", "place", "message"), IN_PORTS)
def test_an_alias_bomb_in_ports_is_refused_where_a_template_looks_at_them(text: str, place: str, message: str) -> None:
    refused(run("--cluster-version=1.30", "--set", "agents.proxy.enabled=true", stdin=text), f"<stdin>:{place}", message)


@pytest.mark.parametrize(("text", "place", "message"), IN_PORTS)
def test_an_alias_bomb_in_ports_is_left_alone_where_none_does(text: str, place: str, message: str) -> None:
    done = inject(text)
    assert done.status == 0
    assert done.stdout.count(b"*") == text.count("*")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{MERGES}{HEAD}spec: {{<<: *a9 , containers: [{{name: a}}]}}\n", id="of merges, in spec"),
        pytest.param(f"{MERGES}{HEAD}spec: {{containers: [{{<<: *a9 , name: a}}]}}\n", id="of merges, in a container"),
    ],
)
def test_a_bomb_of_merges_beside_what_is_edited_is_handled_at_once(text: str) -> None:
    done = inject(text)  # no independent parser takes part here: they expand the bomb
    assert (done.status, done.stdout.count(b"restartPolicy: Always") + done.stdout.count(b'"Always"')) == (0, 1), done.stderr
    assert inject(done.stdout).stdout == done.stdout
    assert run("uninject", "-", stdin=done.stdout).stdout.decode() == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{MERGES}{HEAD}spec: *a9\n", id="of merges, as spec"),
        pytest.param(f"{HEAD}spec: &s {{<<: [*s , *s , *s , *s ]}}\n", id="a merge of itself, four times"),
        pytest.param(f"{LISTS_OF_LISTS}apiVersion: v1\nkind: List # of Pod\nitems: *a9\n", id="of lists of lists"),
        pytest.param(
            "apiVersion: v1\nkind: List # of Pod\nitems: &a\n- {apiVersion: v1, kind: List, items: *a }\n",
            id="items that hold themselves",
        ),
        pytest.param("&r\napiVersion: v1\nkind: List # of Pod\nitems: [*r ]\n", id="a list that holds itself"),
        pytest.param("&r\napiVersion: v1\nkind: LimitRange\nitems: [*r ]\n", id="a limit that holds itself"),
        pytest.param(
            "apiVersion: v1\nkind: List # Service selector LimitRange\n"
            + "".join(f"a{level}: &a{level} {{items: [{f'*a{level - 1} , ' * 9}]}}\n" for level in range(1, 10)).replace(
                "*a0 ", "x"
            )
            + "items: [*a9 ]\n",
            id="limits in lists of lists",
        ),
    ],
)
def test_a_bomb_without_a_pod_is_left_as_it_is_at_once(text: str) -> None:
    leaves(text)

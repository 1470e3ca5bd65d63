"""What a hostile template tries, and what becomes of it: an error, soon, with no more memory than the limit.

Two walls stand round a template: Jinja2's sandbox, and a process that has nothing worth reaching. Each is tried alone.
"""

import contextlib
import ctypes
import encodings.idna  # noqa: F401  # socket imports it late
import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar_plugin.agents import sandbox, sandbox_process, sandbox_worker, seccomp
from sidecar_plugin.agents.agent import TEMPLATE, Agent, AgentFolder
from sidecar_plugin.agents.protocol import RenderError
from sidecar_plugin.errors import TemplateError

CONTEXT = {"cluster": {}, "declaration": "native"}
WORKLOAD = {"name": "web", "labels": {}, "containers": []}
SECRET = "a-secret-that-must-not-get-out"
SOON = 20  # seconds, on a machine that is busy; a template computes for 2, and its process for 3


def render(template: str) -> None:
    folder = AgentFolder("evil", "evil", template, lambda: {TEMPLATE: template}, is_inline=True)
    Agent(folder).render((), CONTEXT, lambda: WORKLOAD)


REACHES_PYTHON = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ '' | attr('__class__') }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(fail) }}",
    "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "{{ fail.__globals__ }}",
    "{{ fail.__code__ }}",
    "{{ cycler.__init__.__globals__.os.system('id') }}",
    "{{ joiner.__init__ }}",
    "{{ namespace.__init__ }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ workload.__class__ }}",
    "{{ workload.get.__self__ }}",
    "{{ values.__init__ }}",
    "{{ range.__class__ }}",
    "{{ (1).__class__ }}",
    "{{ [].__class__.__base__ }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ config }}",
    "{{ request }}",
    "{{ __import__('os') }}",
    "{{ ([1] | map('string')).gi_frame.f_globals }}",
    "{{ ([1] | map('string')).gi_code }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% for i in [1] %}{{ loop._iterator.__class__ }}{% endfor %}",
    "{% set ns = namespace() %}{{ ns._Namespace__attrs }}",
    "{{ dict.mro() }}",
    "{{ dict.__subclasses__() }}",
    "{{ undefined.__class__.__mro__ }}",
    "{% set f = '{0.__class__.__mro__}' | attr('format') %}{{ f(fail) }}",
    "{{ ['{0.__class__.__mro__}'] | map('format', fail) | list }}",
    "{{ [fail] | map(attribute='__globals__') | list }}",
    "{{ [fail] | selectattr('__globals__') | list }}",
    "{{ [{'a': fail}] | groupby('a.__globals__') }}",
    "{{ [fail] | sum(attribute='__globals__') }}",
    "{{ fail | tojson }}",
]
READS_FILES = [
    "{{ open(FILE) }}",
    "{{ FILE | include }}",
    "{% include FILE %}",
    "{% extends FILE %}",
    "{% import FILE as file %}{{ file }}",
    "{% from FILE import anything %}",
    "{% include ['missing', FILE] %}",
    "{% include '../' ~ FILE %}",
    "{% include '../logging/agent.yaml.j2' %}",
    "{{ cycler.__init__.__globals__.__builtins__.open(FILE).read() }}",
    "{{ ''.__class__.__base__.__subclasses__() | selectattr('__name__', 'equalto', 'FileIO') | list }}",
    "{{ self._TemplateReference__context.environment.loader.get_source('', FILE) }}",
]
READS_THE_ENVIRONMENT = [
    "{{ environment }}",
    "{{ env }}",
    "{{ os.environ }}",
    "{{ '${SECRET}' | expandvars }}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ joiner.__init__.__globals__['os'].environ['SECRET'] }}",
    "{{ lipsum.__globals__.os.getenv('SECRET') }}",
    "{{ self._TemplateReference__context.environment }}",
]
REACHES_THE_NETWORK = [
    "{% include URL %}",
    "{% import URL as remote %}{{ remote }}",
    "{% extends URL %}",
    "{{ urlopen(URL) }}",
    "{{ URL | urlopen }}",
    "{% import 'socket' as socket %}{{ socket.create_connection(('127.0.0.1', PORT)) }}",
    "{{ cycler.__init__.__globals__.__builtins__.__import__('urllib.request').request.urlopen(URL) }}",
    "{{ ''.__class__.__base__.__subclasses__() | selectattr('__name__', 'equalto', 'socket') | list }}",
    "{{ range.__class__.__base__.__subclasses__() | map(attribute='__init__.__globals__') | list }}",
]
CHANGES_WHAT_IT_WAS_GIVEN = [
    "{{ workload.update({'name': 'other'}) }}",
    "{{ workload.labels.clear() }}",
    "{{ workload.containers.append(1) }}",
    "{{ values.pop('x', 1) }}",
]
TWO_DEEP_LISTS = """
{%- set ns = namespace(a=[0], b=[0]) %}
{%- for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}
"""  # 61 small lists each, which take 2 ** 60 steps to walk; Python does not look for signals on the way
RUNS_FOR_EVER = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'agent.yaml.j2' %}",
    "{{ 10 ** 10 ** 10 }}",
    "{% set ns = namespace(n=9) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "{{ range(10 ** 9) | list }}",
    "{{ [1] | slice(10 ** 9) | list }}",
    TWO_DEEP_LISTS + "{{ ns.a == ns.b }}",
    TWO_DEEP_LISTS + "{{ [ns.a, ns.b] | unique | list }}",
    TWO_DEEP_LISTS + "{{ ns.a }}",
    TWO_DEEP_LISTS + "{{ ns.a | tojson }}",
]
FILLS_THE_MEMORY = [
    "{{ 'x' * 10 ** 9 }}",
    "{{ [1] * 10 ** 9 }}",
    "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{{ 'x'.center(10 ** 10) }}",
    "{{ 'x' | center(10 ** 10) }}",
    "{{ 'x'.ljust(10 ** 10) }}",
    "{{ '%010000000000d' % 1 }}",
    "{{ '%010000000000d' | format(1) }}",
    "{{ '{:>10000000000}'.format(1) }}",
    "{{ 'x\\ny' | indent(10 ** 10) }}",
    "{% set x = 'x' * 999999 %}{{ x | replace('x', x) }}",
    "{% for i in range(90000) %}{{ 'x' * 1000 }}{% endfor %}",
    "{{ 'x'.zfill(10 ** 10) }}",
    "{{ '\t'.expandtabs(10 ** 10) }}",
    "{{ [1] | batch(10 ** 9, 0) | list }}",
    "{% set x = ['x' * 999999] * 999 %}{{ x | join }}",
]
BREAKS_THE_COMPILER = [
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "-" * 5000 + "1 }}",
    "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "{{ " + "[" * 3000 + "]" * 3000 + " }}",
]


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """An attempt takes no longer than that, and leaves the limits of the program's own process alone."""
    started, before = time.monotonic(), resource.getrlimit(resource.RLIMIT_AS)
    yield
    assert time.monotonic() - started < SOON
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def named(template: str) -> str:
    return template.removeprefix(TWO_DEEP_LISTS)[:60]


@pytest.mark.parametrize(
    "template",
    [*REACHES_PYTHON, *CHANGES_WHAT_IT_WAS_GIVEN, *RUNS_FOR_EVER, *FILLS_THE_MEMORY, *BREAKS_THE_COMPILER],
    ids=named,
)
def test_an_attempt_ends_in_an_error_soon_and_small(template: str) -> None:
    with pytest.raises(TemplateError, match=r"^(?!.*Traceback)"):
        render(template)


@pytest.mark.parametrize("template", READS_FILES, ids=named)
def test_no_file_is_read(template: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    with pytest.raises(TemplateError) as caught:
        render(template.replace("FILE", repr(str(file))))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("template", READS_THE_ENVIRONMENT, ids=named)
def test_no_variable_is_read(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    with pytest.raises(TemplateError) as caught:
        render(template)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("template", REACHES_THE_NETWORK, ids=named)
def test_no_connection_is_made(template: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(TemplateError):
            render(template.replace("URL", f"'http://127.0.0.1:{port}/'").replace("PORT", str(port)))
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("template", [*REACHES_PYTHON, *READS_FILES, *READS_THE_ENVIRONMENT, *REACHES_THE_NETWORK], ids=named)
def test_the_first_wall_holds_alone(template: str) -> None:
    """Python tells its audit hooks of every file, connection, process and import, https://peps.python.org/pep-0578/."""
    text = template.replace("FILE", "'/etc/passwd'").replace("URL", "'http://127.0.0.1:9/'").replace("PORT", "9")
    rendered = ""
    with audited() as events, contextlib.suppress(RenderError):
        compiled = sandbox.compile_template({TEMPLATE: text}, {TEMPLATE: "evil"}, TEMPLATE)
        rendered = sandbox.render(compiled, {**CONTEXT, "workload": WORKLOAD}, frozenset({"evil"}))
    assert [
        event for event in events if event.startswith(("open", "os.", "socket.", "subprocess.", "urllib.", "ctypes."))
    ] == []
    assert not re.search("<module|<class|<code|__builtins__|root:", rendered)


@contextlib.contextmanager
def audited() -> Iterator[list[str]]:
    """Give a list that what Python does in the meantime is added to; the one hook stays, for hooks cannot be removed."""
    global _events
    if _events is None:
        sys.addaudithook(lambda event, _: _listening and _events is not None and _events.append(event))
    _events = []
    with contextlib.suppress(RenderError):  # imports what is imported at the first error only
        sandbox.compile_template({TEMPLATE: "{{ '\n' | x }}"}, {TEMPLATE: "x"}, TEMPLATE)
    _listening.append(True)
    try:
        yield _events
    finally:
        _listening.clear()


_events: list[str] | None = None
_listening: list[bool] = []


def in_the_process(attempt: str) -> Any:
    """Return what Python code makes of it in a process that is confined as that of the templates is."""
    reader, writer = os.pipe()
    parent, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)
    pid = os.fork()
    if pid == 0:
        try:
            sandbox_worker.confine((reader, writer), 9)
            given: dict[str, Any] = {
                "parent": parent,
                "libc": libc,
                "ctypes": ctypes,
                "os": os,
                "socket": socket,
                "subprocess": subprocess,
                "signal": signal,
                "resource": resource,
                "result": None,
            }
            try:
                exec(attempt, given)
            except (OSError, MemoryError, ValueError) as error:
                given["result"] = type(error).__name__
            os.write(writer, json.dumps(given["result"]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return json.loads(text)


@pytest.mark.parametrize(
    ("attempt", "result"),
    [
        ("open('/etc/passwd')", "PermissionError"),
        ("os.open('/tmp', os.O_RDONLY)", "PermissionError"),
        ("os.listdir('/')", "PermissionError"),
        ("socket.socket()", "PermissionError"),
        ("socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("subprocess.run(['true'])", "PermissionError"),
        ("os.pipe()", "PermissionError"),
        ("result = dict(os.environ)", {}),
        ("result = os.getenv('PATH')", None),
        ("bytearray(sandbox_limit := 600 * 1024 ** 2)", "MemoryError"),
        ("result = len(bytearray(100 * 1024 ** 2))", 104857600),
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (9, 0))", "ValueError"),
        ("os.unlink(TARGET)", "PermissionError"),
        ("os.rename(TARGET, TARGET + '.new')", "PermissionError"),
        ("os.chmod(TARGET, 0o777)", "PermissionError"),
        ("os.truncate(TARGET, 0)", "PermissionError"),
        ("os.mkdir(TARGET + '.folder')", "PermissionError"),
        ("os.symlink('/', TARGET + '.link')", "PermissionError"),
        ("os.stat('/etc/passwd')", "PermissionError"),
        ("os.chdir('/')", "PermissionError"),
        ("os.fork()", "PermissionError"),
        ("os.execv('/bin/true', ['true'])", "PermissionError"),
        ("os.kill(os.getppid(), 0)", "PermissionError"),
        ("os.kill(os.getpid(), 0)", "PermissionError"),
        ("os.setsid()", "PermissionError"),
        ("open(TARGET, 'w')", "PermissionError"),
        ("os.open(TARGET, os.O_WRONLY | os.O_APPEND)", "PermissionError"),
        ("os.link(TARGET, TARGET + '.link')", "PermissionError"),
        ("os.chown(TARGET, 1, 1)", "PermissionError"),
        ("os.setxattr(TARGET, 'user.x', b'')", "PermissionError"),
        ("os.utime(TARGET)", "PermissionError"),
        ("os.forkpty()", "PermissionError"),
        ("os.posix_spawn('/bin/true', ['true'], {})", "PermissionError"),
        ("os.kill(parent, 9)", "PermissionError"),
        ("os.killpg(0, 9)", "PermissionError"),
        ("os.setpriority(os.PRIO_PROCESS, 0, 1)", "PermissionError"),
        ("os.sched_setaffinity(0, {0})", "PermissionError"),
        ("open(f'/proc/{parent}/mem', 'rb')", "PermissionError"),
        ("open(f'/proc/{parent}/environ')", "PermissionError"),
        ("os.readlink(f'/proc/{parent}/exe')", "PermissionError"),
        ("os.pidfd_open(parent)", "PermissionError"),
        ("socket.socket(socket.AF_UNIX)", "PermissionError"),
        ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "PermissionError"),
        ("socket.socketpair()", "PermissionError"),
        ("os.memfd_create('x')", "PermissionError"),
        ("os.eventfd(0)", "PermissionError"),
        ("os.dup(0)", "PermissionError"),
        ("os.uname()", "PermissionError"),
        ("result = [libc.ptrace(16, parent, 0, 0), ctypes.get_errno()]", [-1, errno.EPERM]),
        ("result = [libc.process_vm_readv(parent, 0, 0, 0, 0, 0), ctypes.get_errno()]", [-1, errno.EPERM]),
        ("result = [libc.connect(0, b'', 0), ctypes.get_errno()]", [-1, errno.EPERM]),
        ("result = [libc.prctl(22, 0, 0, 0, 0), ctypes.get_errno()]", [-1, errno.EPERM]),
        ("result = [libc.unshare(0x10000000), ctypes.get_errno()]", [-1, errno.EPERM]),
        ("result = [libc.personality(0xFFFFFFFF), ctypes.get_errno()]", [-1, errno.EPERM]),
    ],
)
def test_the_second_wall_holds_alone(attempt: str, result: Any, tmp_path: Path) -> None:
    """Python's own code, as a template would run that found a way out of Jinja2's sandbox."""
    file = tmp_path / "file"
    file.write_text(SECRET)
    file.chmod(0o600)
    assert in_the_process(attempt.replace("TARGET", repr(str(file)))) == result
    assert list(tmp_path.iterdir()) == [file]
    assert (file.read_text(), file.stat().st_mode & 0o777) == (SECRET, 0o600)


@pytest.mark.skipif(os.uname().machine not in seccomp._MEMORY_SIGNALS_AND_TIME, reason="no filter for this processor")
def test_no_system_call_is_left_but_those_listed() -> None:
    """By number, also as of the other ABIs of the processor; 512 is beyond those that there are.

    Linux hides uretprobe and uprobe (335, 336 on x86_64) from filters. Outside of its trampolines they do nothing.
    """
    allowed = seccomp._MEMORY_SIGNALS_AND_TIME[os.uname().machine][1]
    attempt = f"""
left = []
if libc.getpgid(0) == -1:  # else nothing confines the process, and it had better make no such calls
    for number in (*range(512), *range(0x40000000, 0x40000000 + 512)):
        if number not in {(*allowed, 335)}:
            ctypes.set_errno(0)
            status = libc.syscall(number, 0, 0, 0, 0, 0, 0), ctypes.get_errno()
            if status not in ((-1, {errno.EPERM}), (-1, {errno.ENXIO})):
                left.append(number)
    result = left
"""
    assert in_the_process(attempt) == []


def wait_for_the_end(pid: int) -> None:
    ended = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < ended
        time.sleep(0.05)


def test_the_process_writes_to_nobodys_output(capfd: pytest.CaptureFixture[str]) -> None:
    in_the_process(f"os.write(1, b'{SECRET}'); os.write(2, b'{SECRET}')")
    assert SECRET not in "".join(capfd.readouterr())


def test_what_jinja_offers_still_works_there() -> None:
    """Files cannot be opened there any more, so nothing may be left to import."""
    render(
        """container: {name: a, image: "x"}
podAnnotations:
  a: {{ "%s\\n" | format("x") | wordwrap(3) | urlize | striptags | title | urlencode | tojson }}
  b: {{ (values | string ~ (7 | filesizeformat) ~ ("<" | e) ~ (1.5 | round | int)) | sha256 | tojson }}
  c: {{ ({"requests": {"cpu": 1}} | with_share_of(workload.containers, 5) | toyaml) | tojson }}
  d: {{ ([3, 1] | sort | unique | batch(1) | list | string ~ ({"b": 1} | dictsort | string)) | tojson }}
  e: {{ ("é\\t" | upper | pprint | indent(2) | center(9) | truncate(5) ~ ({"a": "b"} | xmlattr)) | tojson }}
  f: {{ ([{"a": 1}] | groupby("a") | map("first") | join(",") ~ ("1" | int(base=16)) ~ ("x".encode("utf-8"))) | tojson }}
"""
    )


def test_the_end_of_the_process_is_told() -> None:
    """By whatever it came, such as the system's own killer of processes that hold too much."""
    agent = Agent(AgentFolder("a", "a", "1", lambda: {TEMPLATE: 'container: {name: a, image: "x"} # {{ workload }}'}))
    agent.render((), CONTEXT, lambda: WORKLOAD)
    process = sandbox_process._Run.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(TemplateError, match="end by SIGKILL"):
        agent.render((), {**CONTEXT, "declaration": "acs"}, lambda: WORKLOAD)
    parts = agent.render((), {**CONTEXT, "declaration": "regular"}, lambda: WORKLOAD)
    assert parts.container["name"] == "a"


def test_the_process_goes_with_the_program() -> None:
    """Also when the program is killed."""
    code = (
        "from tests.agents.test_sandbox import render; from sidecar_plugin.agents import sandbox_process\n"
        "render('container: {name: a, image: x}'); print(sandbox_process._Run.process.pid, flush=True); input()"
    )
    with subprocess.Popen((sys.executable, "-c", code), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        os.kill(pid, 0)
        program.kill()
    wait_for_the_end(pid)


def test_where_no_process_can_be_started_nothing_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under `ulimit -u`, which does not hold for root."""

    def no_more(*_: Any) -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "posix_spawn", no_more)
    before = os.listdir("/dev/fd")
    with pytest.raises(RenderError, match=r"cannot be started: Resource temporarily unavailable \(ulimit -u, memory\)"):
        sandbox_process.Templates({"t": "x"}, {"t": "t"}, "t", is_built_in=False)
    assert os.listdir("/dev/fd") == before


def test_what_the_template_was_given_is_unchanged() -> None:
    assert CONTEXT == {"cluster": {}, "declaration": "native"}
    assert WORKLOAD == {"name": "web", "labels": {}, "containers": []}


def test_an_ordinary_template_still_renders_afterwards() -> None:
    render('container: {name: a, image: "x"}')


@pytest.mark.parametrize("name", sorted({*dir(dict), *dir(list), *dir(str)}))
def test_a_value_with_the_name_of_a_method_is_rendered(name: str) -> None:
    files = {"t": f'{{{{ values.{name} }}}} {{{{ values["{name}"] }}}} {{{{ "-" ~ values.{name} }}}}'}
    template = sandbox.compile_template(files, files, "t")
    assert sandbox.render(template, {"values": {name: "x"}}, frozenset()) == "x x -x"


@pytest.mark.parametrize("name", sorted({*dir(dict), *dir(list), *dir(str)}))
@pytest.mark.parametrize("value", [{}, [], "", ()], ids=["mapping", "list", "text", "tuple"])
@pytest.mark.parametrize(
    "text", ["{{ value.NAME }}", "{{ '-' ~ value.NAME }}", "{{ [value.NAME] }}", "{{ value.NAME | tojson }}"]
)
def test_a_method_is_never_written_out(name: str, value: Any, text: str) -> None:
    files = {"t": text.replace("NAME", name)}
    with pytest.raises(RenderError):
        sandbox.render(sandbox.compile_template(files, files, "t"), {"value": value}, frozenset())


@pytest.mark.parametrize(
    "text", ["{{ range }}", "{{ fail }}", "{{ namespace() }}", "{{ cycler(1) }}", "{{ [1] | map('string') }}"]
)
def test_an_object_is_never_written_out(text: str) -> None:
    with pytest.raises(RenderError):
        sandbox.render(sandbox.compile_template({"t": text}, {"t": "t"}, "t"), {}, frozenset())


def test_methods_can_be_called() -> None:
    files = {"t": "{% for key, value in value.items() %}{{ key }}{{ value.upper() }}{% endfor %}"}
    assert sandbox.render(sandbox.compile_template(files, files, "t"), {"value": {"a": "b"}}, frozenset()) == "aB"


def rendered_here(text: str, values: dict[str, Any]) -> str:
    files = {"t": text}
    return sandbox.render(sandbox.compile_template(files, files, "t"), {"values": values}, frozenset({"t"}))


@pytest.mark.parametrize(
    "text",
    [
        "{{ values.keys }}",
        "{{ values.keys ~ 'x' }}",
        "{{ [values.keys] }}",
        "{{ '%s' | format(values.keys) }}",
        "{{ values.keys | string | sha256 }}",
        "{{ range }}",
        "{{ [dict, range] }}",
        "{{ fail | string }}",
        "{{ [1] | map('string') }}",
        "{{ '' ~ ([1] | map('string')) }}",
        "{% macro m() %}{% endmacro %}{{ m }}",
    ],
)
def test_nothing_but_data_is_rendered(text: str) -> None:
    """Python's text for a function holds its address, so two runs would differ."""
    with pytest.raises(RenderError, match=r"^(?!.*0x)"):
        rendered_here(text, {})


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{% for k, v in values.m.items() %}{{ k }}={{ v }}{% endfor %}", "a=1"),
        ("{{ values.m.get('b', 'x') }}{{ 'a'.upper() }}{{ ','.join(['b', 'c']) }}", "xAb,c"),
        ("{{ 7 % 4 }} {{ 2 ** 10 }} {{ 2 * 3 }} {{ 'ab' * 2 }}", "3 1024 6 abab"),
        ("{{ '%s-%d' | format('a', 1) }} {{ '{}'.format(1) }}", "a-1 1"),
        ("{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}", "12"),
    ],
)
def test_methods_and_operators_work(text: str, rendered: str) -> None:
    assert rendered_here(text, {"m": {"a": 1}}) == rendered


@pytest.mark.parametrize("text", ["{{ '%9999999999d' % 1 }}", "{{ '%s' % 'a' }}", "{{ 9 ** 99999999 }}", "{{ 2 ** -999999 }}"])
def test_operators_have_bounds(text: str) -> None:
    with pytest.raises(RenderError):
        rendered_here(text, {})

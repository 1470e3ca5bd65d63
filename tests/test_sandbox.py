"""What a hostile template tries, and what becomes of it: an error, soon, with no more memory than the limit."""

import resource
import time

import pytest

from sidecar_plugin.agents import TEMPLATE, Agent, AgentFolder
from sidecar_plugin.errors import TemplateError
from sidecar_plugin.memo import Memo

CONTEXT = {"cluster": {}, "declaration": "native"}
WORKLOAD = {"name": "web", "labels": {}, "containers": []}


def render(template: str) -> None:
    folder = AgentFolder("evil", "evil", template, lambda: {TEMPLATE: template}, is_inline=True)
    Agent(folder, Memo()).render((), CONTEXT, lambda: WORKLOAD)


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
    "{{ open('/etc/passwd') }}",
    "{{ __import__('os') }}",
    "{{ environment }}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{% include '/etc/passwd' %}",
    "{% include '../logging/agent.yaml.j2' %}",
    "{% extends '/etc/passwd' %}",
]
CHANGES_WHAT_IT_WAS_GIVEN = [
    "{{ workload.update({'name': 'other'}) }}",
    "{{ workload.labels.clear() }}",
    "{{ workload.containers.append(1) }}",
    "{{ values.pop('x', 1) }}",
]
RUNS_FOR_EVER = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'agent.yaml.j2' %}",
    "{{ 10 ** 10 ** 10 }}",
    "{% set ns = namespace(n=9) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "{{ range(10 ** 9) | list }}",
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
]
BREAKS_THE_COMPILER = [
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "-" * 5000 + "1 }}",
    "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "{{ " + "[" * 3000 + "]" * 3000 + " }}",
]


@pytest.mark.parametrize(
    "template",
    [*REACHES_PYTHON, *CHANGES_WHAT_IT_WAS_GIVEN, *RUNS_FOR_EVER, *FILLS_THE_MEMORY, *BREAKS_THE_COMPILER],
    ids=lambda template: template[:60],
)
def test_an_attempt_ends_in_an_error_soon_and_small(template: str) -> None:
    started, before = time.monotonic(), resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(TemplateError):
        render(template)
    assert time.monotonic() - started < 4
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_what_the_template_was_given_is_unchanged() -> None:
    assert CONTEXT == {"cluster": {}, "declaration": "native"}
    assert WORKLOAD == {"name": "web", "labels": {}, "containers": []}


def test_an_ordinary_template_still_renders_afterwards() -> None:
    render('container: {name: a, image: "x"}')

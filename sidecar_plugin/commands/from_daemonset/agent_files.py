"""The files of an agent folder, written from a plan: the template, its configuration files, and a README.

The template holds the fixed parts of the container. What a user may want to change comes from the values, see `agent_values`.
"""

import json
import re
from hashlib import sha256
from typing import Any

from sidecar_plugin.agents.agent import TEMPLATE, VALUES, VALUES_SCHEMA
from sidecar_plugin.commands.from_daemonset.agent_values import values_schema, values_text
from sidecar_plugin.commands.from_daemonset.daemonset import Data
from sidecar_plugin.commands.from_daemonset.plan import AgentPlan, ConfigFile
from sidecar_plugin.commands.from_daemonset.volumes import shortened
from sidecar_plugin.errors import visible
from sidecar_plugin.yamledit.emitter import block, flow, scalar

README = "README.md"
_MAX_ANNOTATION = 63  # letters of the name behind the slash, as Kubernetes takes it
_OF_JINJA = re.compile(r"\{[{%#]")


def agent_files(plan: AgentPlan) -> dict[str, str]:
    """Return the texts of the agent's files, by name."""
    template = _Template(plan)
    return {
        TEMPLATE: template.text(),
        VALUES: values_text(plan),
        VALUES_SCHEMA: json.dumps(values_schema(plan), indent=2, ensure_ascii=False) + "\n",
        README: _readme(plan),
        **template.configuration(),
    }


def _escaped(text: str) -> str:
    """Return text that a template renders to just that."""
    return _OF_JINJA.sub(lambda found: f'{{{{ "{found[0]}" }}}}', text)


def _lines(data: Any, column: int) -> str:
    return "".join(f"{_escaped(line)}\n" for line in block(data, column)) if data else ""


class _Template:
    """Writes agent.yaml.j2 and the configuration files that it includes."""

    def __init__(self, plan: AgentPlan) -> None:
        self._plan = plan
        self._names = _file_names(plan.files)
        self._annotations = _annotation_names(self._names)
        self._maps = list(dict.fromkeys(file.config_map for file in plan.files))

    def configuration(self) -> dict[str, str]:
        return {self._names[file]: _escaped(file.text) for file in self._plan.files if "\r" not in file.text}

    def text(self) -> str:
        plan = self._plan
        fixed = {key: value for key, value in plan.container.items() if key not in ("name", "args", "env", "volumeMounts")}
        mounts = [one for one in plan.container["volumeMounts"] if one]
        pieces = [
            f"{{# Made of the DaemonSet {plan.daemon_set.name} by `sidecar-plugin from-daemonset`. #}}\n",
            self._file_variables(),
            "container:\n",
            _lines({"name": plan.name}, 2),
            '  image: {{ (values.image.repository ~ (":" ~ values.image.tag if values.image.tag else "")\n'
            '    ~ ("@" ~ values.image.digest if values.image.digest else "")) | tojson }}\n',
            "  imagePullPolicy: {{ values.image.pullPolicy | tojson }}\n",
            _lines(fixed, 2),
            "  args: {{ values.args | tojson }}\n" if plan.container.get("args") else "",
            self._env(),
            "  resources: {{ values.resources | tojson }}\n",
            "  securityContext: {{ values.securityContext | tojson }}\n",
            f"  volumeMounts:\n{_lines(mounts, 2)}" if mounts else "",
            self._volumes(),
            self._applications(),
            f"initContainers:\n{_lines(plan.init_containers, 0)}" if plan.init_containers else "",
            "imagePullSecrets: {{ values.imagePullSecrets | tojson }}\n",
            self._configuration_carriers(),
        ]
        return "".join(pieces)

    def _file_variables(self) -> str:
        lines = []
        for index, file in enumerate(self._plan.files):
            if "\r" in file.text:  # a template's line breaks would become \n
                lines.append(f"{{% set file_{index} = {_string(file.text)} %}}\n")
            else:
                lines.append(f'{{% set file_{index} %}}{{% include "{self._names[file]}" %}}{{% endset %}}\n')
        for number, name in enumerate(self._maps):
            files = [(index, file) for index, file in enumerate(self._plan.files) if file.config_map == name]
            entries = ", ".join(f"{_string(file.key)}: file_{index}" for index, file in files)
            lines.append(f"{{% set files_{number} = {{{entries}}} %}}\n")
            prefix = _string(f"{self._plan.daemon_set.name}-{name}"[:240] + "-")
            lines.append(f"{{% set config_map_{number} = {prefix} ~ (files_{number} | tojson | sha256)[:10] %}}\n")
        return "".join(lines)

    def _env(self) -> str:
        plan = self._plan
        known = _string_list(list(plan.env))
        pieces = ["  env:\n", _lines(plan.container["env"], 2)]  # these first: what is written out may refer to them
        pieces += [
            f"{{% if {_string(name)} in values.env %}}\n"
            f"  - {{name: {_escaped(flow(name))}, value: {{{{ values.env[{_string(name)}] | tojson }}}}}}\n{{% endif %}}\n"
            for name in plan.env
        ]
        added = f"{{% for name, value in values.env.items() if name not in {known} %}}\n"
        pieces.append(f"{added}  - {{name: {{{{ name | tojson }}}}, value: {{{{ value | tojson }}}}}}\n{{% endfor %}}\n")
        pieces.append("{% for variable in values.extraEnv %}\n  - {{ variable | tojson }}\n{% endfor %}\n")
        return "".join(pieces)

    def _volumes(self) -> str:
        pieces = []
        for volume in self._plan.volumes:
            name = (volume.get("configMap") or {}).get("name")
            if name in self._maps:
                pieces.append(self._configuration_volume(volume, self._maps.index(name)))
            else:
                pieces.append(_lines([volume], 0))
        return "volumes:\n" + "".join(pieces) if pieces else ""

    def _configuration_volume(self, volume: Data, number: int) -> str:
        source = volume["configMap"]
        files = {file.key: file for file in self._plan.files if file.config_map == self._maps[number]}
        items = source.get("items") or [{"key": key, "path": key} for key in files]
        mode = {"defaultMode": source["defaultMode"]} if "defaultMode" in source else {}
        inline = [
            {
                "path": item["path"],
                "fieldRef": {"fieldPath": f"metadata.annotations['{self._annotation(files[item['key']])}']"},
                **({"mode": item["mode"]} if "mode" in item else {}),
            }
            for item in items
            if item["key"] in files
        ]
        kept = {"items": source["items"]} if source.get("items") else {}
        return (
            f"- name: {scalar(volume['name'])}\n"
            '{% if values.configuration == "configMap" %}\n'
            f"  configMap:\n    name: {{{{ config_map_{number} | tojson }}}}\n{_lines({**kept, **mode}, 4)}"
            "{% else %}\n"
            f"  downwardAPI:\n{_lines({**mode, 'items': inline}, 4)}"
            "{% endif %}\n"
        )

    def _annotation(self, file: ConfigFile) -> str:
        return f"{shortened(self._plan.daemon_set.name)}.sidecar-plugin.dev/{self._annotations[file]}"

    def _configuration_carriers(self) -> str:
        plan = self._plan
        if not plan.files:
            return ""
        manifests = "".join(
            "  - apiVersion: v1\n    kind: ConfigMap\n"
            f"    metadata: {{name: {{{{ config_map_{number} | tojson }}}}}}\n    immutable: true\n"
            f"    data: {{{{ files_{number} | tojson }}}}\n"
            for number in range(len(self._maps))
        )
        annotations = "".join(
            f"  {scalar(self._annotation(file))}: {{{{ file_{index} | tojson }}}}\n" for index, file in enumerate(plan.files)
        )
        return (
            f'{{% if values.configuration == "configMap" %}}\nmanifests:\n{manifests}'
            f"{{% else %}}\npodAnnotations:\n{annotations}{{% endif %}}\n"
        )

    def _applications(self) -> str:
        if not self._plan.shared:
            return ""
        pieces = [
            f"{{% if values.shared[{_string(one.key)}].enabled %}}\n"
            f"    - name: {scalar(one.volume)}\n"
            f"      mountPath: {{{{ values.shared[{_string(one.key)}].mountPath | tojson }}}}\n{{% endif %}}\n"
            for one in self._plan.shared
        ]
        return "applicationContainers:\n  volumeMounts:\n" + "".join(pieces)


def _string(text: str) -> str:
    """Return a string of Jinja's expressions; in one, no `{{` or `{%` means anything."""
    return json.dumps(text, ensure_ascii=False)


def _string_list(texts: list[str]) -> str:
    return f"[{', '.join(map(_string, texts))}]"


def _file_names(files: list[ConfigFile]) -> dict[ConfigFile, str]:
    """Return a file's name for each key: the key, with the ConfigMap before it where that is needed."""
    names: dict[ConfigFile, str] = {}
    for file in files:
        plain = f"{file.key}.j2"
        is_free = plain not in names.values() and plain != TEMPLATE and file.key[:1] not in "._-"
        names[file] = plain if is_free else f"{file.config_map}.{file.key}.j2"
    return names


def _annotation_names(names: dict[ConfigFile, str]) -> dict[ConfigFile, str]:
    """Return the name of each file's annotation, as Kubernetes takes it: 63 letters at most, and different for each file."""
    found: dict[ConfigFile, str] = {}
    for file, name in names.items():
        plain = name.removesuffix(".j2")
        short = re.sub(r"[^A-Za-z0-9._-]", "-", plain)[:_MAX_ANNOTATION].strip("-._")
        if short != plain or short in found.values():
            digest = sha256(plain.encode()).hexdigest()[:8]
            short = f"{short[: _MAX_ANNOTATION - 9].strip('-._')}-{digest}".lstrip("-")
        found[file] = short
    return found


def _readme(plan: AgentPlan) -> str:
    source = plan.daemon_set
    text = [
        f"# {plan.name}\n",
        f"The container {plan.container['name']} of the DaemonSet {source.name}, as a sidecar.\n",
        "Made by `sidecar-plugin from-daemonset`.\n",
        "What it was on a node and what it is in a pod:\n",
    ]
    for title, lines in sections(plan):
        if lines:
            text.append(f"## {title}\n")
            text.append("".join(f"- {line}\n" for line in lines))
    return visible("\n".join(text))


def sections(plan: AgentPlan) -> list[tuple[str, list[str]]]:
    """Return the lines of the README and of the report, under three titles."""
    return [("Turned into something else", plan.turned), ("Left out", plan.left_out), ("To do", plan.to_do)]

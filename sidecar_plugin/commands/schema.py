"""`sidecar-plugin schema`: the JSON Schema of SidecarInjection, with the agents' values, for editors."""

import json

from sidecar_plugin.command_line import parser, write
from sidecar_plugin.editor_schema import editor_schema

_DESCRIPTION = """\
Print the JSON Schema of SidecarInjection, with the values of the agents, for editors. Saved as FILE, this first line of a
document turns it on in editors that use yaml-language-server:

  # yaml-language-server: $schema=FILE
"""


def run(words: list[str]) -> int:
    """Print the schema; return the exit status. Raises SidecarPluginError."""
    line = parser("schema", _DESCRIPTION)
    line.add_argument("--of-values", action="store_true", help="of a chart's values, where `sidecars` holds the settings")
    line.add_argument("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")
    parsed = line.parse_args(words)
    printed = editor_schema(tuple(parsed.templates), parsed.of_values)
    write(f"{json.dumps(printed, indent=2, ensure_ascii=False)}\n".encode())
    return 0

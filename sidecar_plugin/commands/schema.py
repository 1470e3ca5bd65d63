"""`sidecar-plugin schema`: the JSON Schema of SidecarInjection."""

import json

from sidecar_plugin.command_line import parser, write
from sidecar_plugin.config import schema


def run(words: list[str]) -> int:
    """Print the schema; return the exit status."""
    parser("schema", "Print the JSON Schema of SidecarInjection.").parse_args(words)
    write(f"{json.dumps(schema(), indent=2)}\n".encode())
    return 0

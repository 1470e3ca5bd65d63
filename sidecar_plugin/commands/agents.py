"""`sidecar-plugin agents [NAME]`: the agents there are, or one agent's values."""

from sidecar_plugin.agent_listing import describe, overview
from sidecar_plugin.command_line import parser, write


def run(words: list[str]) -> int:
    """Print the list or the agent; return the exit status. Raises UsageError for an agent that does not exist."""
    line = parser("agents", "List the agents, or show one agent's values with their meaning.")
    line.add_argument("name", nargs="?", metavar="NAME")
    line.add_argument("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")
    parsed = line.parse_args(words)
    templates = tuple(parsed.templates)
    write((describe(parsed.name, templates) if parsed.name else overview(templates)).encode())
    return 0

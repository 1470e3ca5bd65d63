"""`sidecar-plugin export-policy`: the same injection as a MutatingAdmissionPolicy of the cluster."""

from sidecar_plugin.command_line import add_options, options, parser, say, write
from sidecar_plugin.policy_export import export
from sidecar_plugin.results import Results
from sidecar_plugin.run import report

_DESCRIPTION = """\
Print the settings as a MutatingAdmissionPolicy with its binding, for pods that no chart renders with sidecar-plugin.
A pod that was rendered with it is left alone.
"""


def run(words: list[str]) -> int:
    """Print the policy; return the exit status. Raises SidecarPluginError."""
    line = parser("export-policy", _DESCRIPTION)
    add_options(line)
    line.add_argument("--name", default="sidecar-plugin", metavar="NAME", help="the policies' name (default: sidecar-plugin)")
    line.add_argument("--bare", action="store_true", help="render agents for a pod without labels, annotations and ports")
    parsed = line.parse_args(words)
    given, results = options(parsed), Results()
    write(export(given, parsed.name, parsed.bare, results))
    say(report(given._replace(report="json" if given.report == "json" else "none"), results))  # there is no workload to list
    return 0

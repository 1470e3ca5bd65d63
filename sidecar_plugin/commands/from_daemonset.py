"""`sidecar-plugin from-daemonset FILE`: makes an agent folder of a DaemonSet's pod template."""

from sidecar_plugin.command_line import parser, say
from sidecar_plugin.daemonset_files import convert

_DESCRIPTION = """\
Make an agent folder, for --templates, of a container of a DaemonSet. FILE holds the DaemonSet and, best, all that it comes
with, such as `helm template` prints; - is stdin. What a sidecar cannot have is told, and written into the agent's README.
"""


def run(words: list[str]) -> int:
    """Write the agent folder; return the exit status. Raises SidecarPluginError, with nothing written."""
    line = parser("from-daemonset", _DESCRIPTION)
    line.add_argument("file", metavar="FILE", help="manifests with the DaemonSet, or - for stdin")
    line.add_argument("--daemonset", metavar="NAME", help="which DaemonSet, if there are several")
    line.add_argument("--container", metavar="NAME", help="which container, if it has several")
    line.add_argument("--name", metavar="NAME", help="the agent's name (default: the container's)")
    line.add_argument("--output-dir", metavar="DIR", default=".", help="where the agent's folder is made (default: here)")
    parsed = line.parse_args(words)
    say(convert(parsed.file, parsed.daemonset, parsed.container, parsed.name, parsed.output_dir))
    return 0

"""`sidecar-plugin from-daemonset FILE`: makes an agent folder of a DaemonSet's pod template."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar_plugin.agents.agent import Agent, AgentFolder
from sidecar_plugin.commands import Command
from sidecar_plugin.commands.from_daemonset.agent_files import agent_files, sections
from sidecar_plugin.commands.from_daemonset.daemonset import read_daemon_set
from sidecar_plugin.commands.from_daemonset.plan import AgentPlan, plan_agent
from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.console import STDIN, read_stdin, say
from sidecar_plugin.runtime.files import check_given
from sidecar_plugin.runtime.lookup import read_file
from sidecar_plugin.runtime.new_folder import make_folder
from sidecar_plugin.yamledit.source import Source

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


_DESCRIPTION = """\
Make an agent folder, for --templates, of a container of a DaemonSet. FILE holds the DaemonSet and, best, all that it comes
with, such as `helm template` prints; - is stdin. What a sidecar cannot have is reported, and written into the agent's README.
"""


class _FromDaemonset:
    summary = "make an agent folder of a DaemonSet"
    description = _DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("file", metavar="FILE", help="manifests with the DaemonSet, or - for stdin")
        parser.add_argument("--daemonset", metavar="NAME", help="which DaemonSet, if there are several")
        parser.add_argument("--container", metavar="NAME", help="which container, if it has several")
        parser.add_argument("--name", metavar="NAME", help="the agent's name (default: the container's)")
        parser.add_argument("--output-dir", metavar="DIR", default=".", help="where the agent's folder is made (default: here)")

    def run(self, arguments: "Namespace") -> int:
        """Write the agent folder; return the exit status. Raises SidecarPluginError, with nothing written."""
        say(convert(arguments.file, arguments.daemonset, arguments.container, arguments.name, arguments.output_dir))
        return 0


COMMAND: Command = _FromDaemonset()


_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


_CONTEXT = {"cluster": {"version": "1.30", "platform": "acs"}, "declaration": "native"}


def convert(path: str, daemon_set: str | None, container: str | None, name: str | None, output: str) -> str:
    """Write the agent folder below `output`; return the report.

    The folder must not be there. The agent is rendered once with its defaults before anything is written.
    Raises SidecarPluginError, with nothing written.
    """
    if name is not None and not _NAME.fullmatch(name):
        raise UsageError(f"--name {name}: an agent's name is made of a-z, 0-9 and -, with at most 63 letters")
    check_given("--output-dir", output)
    plan = plan_agent(read_daemon_set(_read(path), daemon_set), container, name)
    files = agent_files(plan)
    folder = Path(output) / plan.name
    Agent(AgentFolder(plan.name, str(folder), "", lambda: files)).render((), _CONTEXT, dict)
    try:
        make_folder(str(folder), {file: text.encode() for file, text in files.items()})
    except FileExistsError:
        raise UsageError(
            f"{folder} is there already, and nothing is written over; choose another --name or --output-dir"
        ) from None
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror or error}") from None
    return _report(plan, folder)


def _read(path: str) -> Source:
    if path == "-":
        return Source.decode(STDIN, read_stdin())
    try:
        return Source.decode(path, read_file(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _report(plan: AgentPlan, folder: Path) -> str:
    lines = [f"{folder}: the agent {plan.name}, for --templates {folder.parent}"]
    for title, texts in sections(plan):
        lines += [f"{title}:", *(f"  {text}" for text in texts)] if texts else []
    return "".join(f"{line}\n" for line in lines)

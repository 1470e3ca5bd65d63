"""`from-daemonset` on files: reads a stream, writes an agent folder, and tells what became of the DaemonSet."""

import re
import shutil
from pathlib import Path

from sidecar_plugin.agent_writing import agent_files, sections
from sidecar_plugin.agents import Agent, AgentFolder
from sidecar_plugin.daemonset_agent import AgentPlan, plan_agent
from sidecar_plugin.daemonsets import read_daemon_set
from sidecar_plugin.errors import UsageError
from sidecar_plugin.memo import Memo
from sidecar_plugin.run import STDIN, check_given, read_stdin
from sidecar_plugin.signals import tidily
from sidecar_plugin.source import Source
from sidecar_plugin.writing import scratch_name

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
    Agent(AgentFolder(plan.name, str(folder), "", lambda: files), Memo()).render((), _CONTEXT, dict)
    if folder.exists():
        raise UsageError(f"{folder} is there already, and nothing is written over; choose another --name or --output-dir")
    try:
        _write(folder, files)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror or error}") from None
    return _report(plan, folder)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Make the folder with all its files, or nothing. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(scratch_name())
    with tidily(lambda: shutil.rmtree(scratch, ignore_errors=True)):
        scratch.mkdir()
        for file, text in files.items():
            (scratch / file).write_bytes(text.encode())
        scratch.rename(folder)


def _read(path: str) -> Source:
    if path == "-":
        return Source.decode(STDIN, read_stdin())
    try:
        return Source.decode(path, Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _report(plan: AgentPlan, folder: Path) -> str:
    lines = [f"{folder}: the agent {plan.name}, for --templates {folder.parent}"]
    for title, texts in sections(plan):
        lines += [f"{title}:", *(f"  {text}" for text in texts)] if texts else []
    return "".join(f"{line}\n" for line in lines)

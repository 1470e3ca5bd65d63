"""What `export-policy` prints: the documents of the admission policy, from the settings of the options."""

import re

from sidecar_plugin.admission_policy import needs, policy
from sidecar_plugin.agent_folders import AgentFolders
from sidecar_plugin.document.emit import block
from sidecar_plugin.errors import UsageError
from sidecar_plugin.memo import Memo
from sidecar_plugin.policy_agents import policy_agents
from sidecar_plugin.results import Results
from sidecar_plugin.run import Options, check_strict, settings_for

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?")


def export(options: Options, name: str, bare: bool, results: Results) -> bytes:
    """Return the policies and bindings as YAML. Raises UsageError for a name that is none, and as `policy_agents`, `policy`."""
    if not _NAME.fullmatch(name):
        raise UsageError(f'--name {name}: must be as names are in Kubernetes (a-z, 0-9, "-" and ".")')
    settings = settings_for(options, [], results, Memo())
    added = policy_agents(settings, AgentFolders(options.templates), results, bare)
    assert settings.cluster_version is not None
    documents = policy(settings, added, name)
    check_strict(options, results)
    flags = needs(settings.cluster_version)
    head = f"# The API server needs: {flags}\n" if flags else ""
    text = "---\n".join("".join(f"{line}\n" for line in block(document, 0)) for document in documents)
    return (head + text).encode()

"""The engines by name. To add one, write a module with an `ENGINE` (see `engine.py`) and add its line to `ENGINES`."""

from sidecar_plugin.commands.export_policy import admission_policy, kyverno
from sidecar_plugin.commands.export_policy.engine import Engine
from sidecar_plugin.commands.export_policy.sidecarset import engine as sidecarset

DEFAULT = "admission-policy"
ENGINES: dict[str, Engine] = {
    DEFAULT: admission_policy.ENGINE,
    "kyverno": kyverno.ENGINE,
    "sidecarset": sidecarset.ENGINE,
}

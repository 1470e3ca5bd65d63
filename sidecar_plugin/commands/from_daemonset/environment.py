"""The environment of a DaemonSet's container: variables whose values are known, and references to objects of the cluster."""

from typing import Any

from sidecar_plugin.commands.from_daemonset.daemonset import DaemonSet, Data
from sidecar_plugin.commands.from_daemonset.volumes import without_nulls


class Environment:
    """Reads the `env` and `envFrom` of the containers of one DaemonSet."""

    __slots__ = ("_config_maps", "_to_do")

    def __init__(self, daemon_set: DaemonSet, to_do: list[str]) -> None:
        """`to_do` receives one line per object that must exist in the namespaces of the applications."""
        self._config_maps = daemon_set.config_maps
        self._to_do = to_do

    def values(self, container: Data) -> dict[str, str]:
        """Return the variables whose values are known: literal values, and keys of ConfigMaps in the input."""
        values: dict[str, str] = {}
        for source in container.get("envFrom") or []:
            if self._is_known(source.get("configMapRef")):
                data = self._config_maps[source["configMapRef"]["name"]].get("data") or {}
                values |= {f"{source.get('prefix') or ''}{key}": str(value) for key, value in data.items()}
        for entry in container.get("env") or []:
            if not entry.get("valueFrom"):
                values[entry["name"]] = entry.get("value") or ""
            elif (text := self._config_value(entry)) is not None:
                values[entry["name"]] = text
        return values

    def references(self, container: Data) -> list[Data]:
        """Return the variables that refer to a Secret, a ConfigMap outside the input, or a field of the pod."""
        kept = []
        for entry in container.get("env") or []:
            if not entry.get("valueFrom") or self._config_value(entry) is not None:
                continue
            for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if name := (entry["valueFrom"].get(key) or {}).get("name"):
                    self._to_do.append(
                        f"the {kind} {name} must be in the namespaces of the applications (variable {entry['name']})"
                    )
            kept.append(without_nulls(entry))
        return kept

    def sources(self, container: Data) -> list[Data]:
        """Return the `envFrom` entries that refer to objects outside the input."""
        sources = [one for one in container.get("envFrom") or [] if not self._is_known(one.get("configMapRef"))]
        for one in sources:
            name = (one.get("secretRef") or one.get("configMapRef") or {}).get("name")
            kind = "Secret" if "secretRef" in one else "ConfigMap"
            self._to_do.append(f"the {kind} {name} must be in the namespaces of the applications (envFrom)")
        return sources

    def _is_known(self, reference: Any) -> bool:
        return isinstance(reference, dict) and reference.get("name") in self._config_maps

    def _config_value(self, entry: Data) -> str | None:
        reference = entry["valueFrom"].get("configMapKeyRef") or {}
        config_map = self._config_maps.get(str(reference.get("name"))) or {}
        value = (config_map.get("data") or {}).get(reference.get("key"))
        return None if value is None else str(value)

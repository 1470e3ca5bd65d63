"""Values of the logging agent that mean the same whatever the engine, as tables of what is tried."""

from typing import Any

TLS: list[dict[str, Any]] = [
    {"enabled": False},
    {"enabled": True},
    {"enabled": True, "verify": False},
    {"enabled": True, "caSecret": "ca"},
]
SOURCES: list[tuple[str, dict[str, Any]]] = [
    ("kubernetes", {"logs": {"format": "text"}}),
    ("kubernetes", {"logs": {"format": "json", "path": "/data/logs", "pattern": "*.json"}}),
    ("acs", {"logs": {"format": "json"}}),
    ("acs", {"logs": {"enabled": False}}),
    ("acs", {"stdout": {"path": "/out", "include": ["*.log"], "exclude": []}}),
]
"""A platform, and what is read there."""

OTHERS: list[dict[str, Any]] = [
    *({"logLevel": level} for level in ("error", "warn", "info", "debug")),
    {"configuration": "configMap"},
    {"buffer": {"diskMegabytes": 8, "memoryMegabytes": 2}, "shutdownSeconds": 1},
    {"fields": {"team": "shop", "quoted": 'a "b": c'}},
]


def combinations(outputs: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Return every output with every platform and source, but for those where nothing is to be read."""
    return [
        (output, platform, source)
        for output in outputs
        for platform, source in SOURCES
        if output["type"] != "stdout" or source.get("logs", {}).get("enabled", True)
    ]

"""Writes docs/rules.md anew from the rules' docstrings."""

from pathlib import Path

from sidecar_plugin.commands.check.rules.page import page

(Path(__file__).parents[4] / "docs" / "rules.md").write_text(page(), encoding="utf-8")

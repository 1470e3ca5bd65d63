"""Tests of `sidecar_plugin/commands/export_policy`."""

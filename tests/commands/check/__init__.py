"""Tests of `sidecar_plugin/commands/check`."""

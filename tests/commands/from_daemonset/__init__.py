"""Tests of `sidecar_plugin/commands/from_daemonset`."""

"""Tests of `sidecar_plugin/cluster`."""

"""Tests of `sidecar_plugin/injection`."""

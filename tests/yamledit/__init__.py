"""Tests of `sidecar_plugin/yamledit`."""

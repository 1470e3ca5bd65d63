"""Tests of `sidecar_plugin/kubernetes`."""

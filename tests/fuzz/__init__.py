"""Fuzzing: manifests written in every style (`writer`), real ones broken in every way (`mutations`), and what must hold for all
(`invariants`). `python -m tests.fuzz --help` runs as many as you like; tests/fuzz/test_fuzz.py runs a few in CI."""

"""Faults that are tried on the program as a process: what is done to it, and how it must end.

`surroundings` holds them as data; tests/faults/test_faults.py runs each; `page` makes docs/faults.md of them and of the
other tests.
"""

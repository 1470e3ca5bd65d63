"""Injecting agents into pod templates: which agents a pod gets, what they add, how it is written, and how it is removed."""

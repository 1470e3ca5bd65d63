"""The settings of a run: their sources, the syntax of `--set`, their JSON Schema, and how they merge."""

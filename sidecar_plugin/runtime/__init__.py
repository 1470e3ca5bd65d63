"""What touches the system: files, signals, the terminal, the cache; and the report of a run."""

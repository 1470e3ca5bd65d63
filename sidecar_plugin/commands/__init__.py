"""The commands, a module each: `run(words)` takes the words behind the command's name and returns the exit status.

A new command is a module here and a line in `cli.COMMANDS`.
"""

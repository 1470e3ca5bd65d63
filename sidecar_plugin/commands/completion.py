"""`sidecar-plugin completion SHELL`: what a shell needs to complete the program's words."""

from sidecar_plugin.command_line import parser, write


def run(words: list[str]) -> int:
    """Print the shell's script; return the exit status. Raises UsageError for a shell that is not known."""
    from sidecar_plugin.completions import SHELLS, script

    line = parser(
        "completion",
        "Print a script that makes a shell complete the program's commands, options and files.\n\n"
        "  bash:  sidecar-plugin completion bash > ~/.local/share/bash-completion/completions/sidecar-plugin\n"
        "  zsh:   sidecar-plugin completion zsh > a folder of $fpath/_sidecar-plugin\n"
        "  fish:  sidecar-plugin completion fish > ~/.config/fish/completions/sidecar-plugin.fish",
    )
    line.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    write(script(line.parse_args(words).shell).encode())
    return 0

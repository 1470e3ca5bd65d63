"""Lines as YAML sees them: where one starts and ends.

YAML 1.1, which libyaml reads, breaks lines at more characters than most programs do (YAML 1.1, 4.1.4 "Line Break Characters").
"""

BREAKS = "\n\r\x85\u2028\u2029"
_RARE = "\r\x85\u2028\u2029"


def line_start(text: str, offset: int) -> int:
    """Return where the line starts that `offset` stands in."""
    start = text.rfind("\n", 0, offset) + 1
    for character in _RARE:
        start = max(start, text.rfind(character, start, offset) + 1)
    return start


def line_end(text: str, offset: int) -> int:
    """Return where the line ends that `offset` stands in: behind its break, or at the end of the text."""
    end = text.find("\n", offset) + 1 or len(text)
    for character in _RARE:
        found = text.find(character, offset, end)
        if found >= 0:
            end = found + (2 if text.startswith("\r\n", found) else 1)
    return end


def margin(text: str, offset: int) -> str | None:
    """Return the blanks in front of what is the first thing in its line at `offset`, None if it is not the first."""
    start = offset
    while start and text[start - 1] in " \t":
        start -= 1
    return None if start and text[start - 1] not in BREAKS else text[start:offset]


def line_break(text: str) -> str:
    r"""Return the first line break of the text, "\n" if it has none."""
    end = line_end(text, 0)
    if text.endswith("\r\n", 0, end):
        return "\r\n"
    return text[end - 1] if end and text[end - 1] in BREAKS else "\n"


def content_line_end(text: str, end: int) -> int:
    """Return where the line ends whose content ends at `end`; a block scalar ends its own line."""
    return end if end and text[end - 1] in BREAKS else line_end(text, end)

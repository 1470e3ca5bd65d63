"""Manifests as text in every style that YAML 1.1 and 1.2 allow around and inside pod specs, drawn from a seed.

A data tree is drawn first and written down afterwards, each node in a style of its own: this is no dump of a library. What the
text means is left to an independent parser (see `oracle`).
"""

import json
import random
from typing import Any

NULL = object()  # null, in a spelling that the writer draws
Data = Any

WORDS = (
    "app", "0777", "1e3", "on", "12:34:56", "yes", "~x", "a b", "http://x:80/", "é", "1.30", "null", "- x", "# no", "a: b",
    "&x", "*y", "!z", "", "%d", "@a", "`b`", "a #b", "a:b", "x{y}", "[z]", "😀", "'q'", '"d"', "tab\there", "\u2028", "=", "<<",
    "---", "...", "a\\nb", "?", "? q", "|", ">-", "1_000", "0x1F", "2001-12-14", ".inf", "  lead", "trail  ",
)  # fmt: skip
TEXTS = (
    "echo hi\necho there\n", "a\n\n# not a comment\n  b\n", "one", "x\n\n\n", "  deep\n", "folded\nof two lines\n\nand more\n",
    "no end", "\n", "\n\n", "---\n", "key: value\n- item\n", "trailing \n", "\ttab\n", "a\\b\n",
)  # fmt: skip
NULLS = ("", "~", "null", "Null", "NULL")


class Writer:
    """Draws one stream; `flavours` are what this stream may use beyond plain block style."""

    def __init__(self, random_: random.Random) -> None:
        self.random = random_
        self.newline = self.pick("\n", "\n", "\n", "\n", "\r\n", "\r")
        self.flavours = {name for name in FLAVOURS if self.chance(0.25)}
        self.blank = "\t" if self.chance(0.05) else " "  # ruamel.yaml takes no tabs there, libyaml does
        self.anchors: list[str] = []
        self.counter = 0
        self.start_document()

    def start_document(self) -> None:
        """Draw the habits of the author of one document."""
        self.indent_lists = self.pick(0, 0, 2, 2, 1, 4)
        self.step = self.pick(2, 2, 2, 4, 3, 1, 8)
        self.anchors = []

    def pick(self, *options: Any) -> Any:
        return options[int(self.random.random() * len(options))]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def has(self, flavour: str, probability: float) -> bool:
        return flavour in self.flavours and self.random.random() < probability

    # --- scalars

    def scalar(self, text: str, flow: bool, key: bool = False) -> str:
        """Return a scalar on one line, with its properties."""
        properties = "" if key else self.properties("str")
        if self._can_be_plain(text, flow or key) and self.chance(0.6):
            return properties + text
        if not any(ord(character) < 32 or character in "\u2028\u0085" for character in text) and self.chance(0.5):
            return properties + "'" + text.replace("'", "''") + "'"
        return properties + json.dumps(text, ensure_ascii=self.chance(0.2)).replace("\u2028", "\\u2028")

    @staticmethod
    def _can_be_plain(text: str, flow: bool) -> bool:
        if not text or text != text.strip() or text[0] in "-?:,[]{}#&*!|>'\"%@`=<~." or "\n" in text or "\t" in text:
            return False
        if "\u2028" in text or ": " in text or " #" in text or text.endswith(":") or text in ("null", "Null", "NULL"):
            return False
        return not (flow and any(character in text for character in ",[]{}:?"))

    def properties(self, tag: str) -> str:
        words = []
        if self.has("tags", 0.05):
            words.append(f"!!{tag}")
        if self.has("anchors", 0.08):
            self.counter += 1
            words.append(f"&a{self.counter}")
        return "".join(f"{word} " for word in sorted(words, key=lambda _: self.random.random()))

    def tail(self) -> str:
        if self.has("comments", 0.2):
            return self.pick(" # why", "  # a: [b", f"{self.blank}# tab", " #", " # 'quote")
        return self.pick(" ", self.blank, "   ") if self.has("trailing blanks", 0.2) else ""

    def noise(self, column: int, lines: list[str]) -> None:
        """Add comments and empty lines between the lines."""
        if self.has("comments", 0.2):
            shift = self.pick(0, 0, 0, 2, -2, 5)
            lines.append(self.pick("", "#", " " * max(0, column + shift) + "# a comment: {", " " * column))

    # --- block style

    def value(self, data: Data, column: int, parent: int, lines: list[str]) -> None:
        """Add a value behind the key or dash that ends the last line; `column` is where a block collection may start."""
        if data is NULL:
            word = self.pick(*NULLS)
            lines[-1] += (f" {word}" if word else "") + self.tail()
        elif isinstance(data, str):
            self._text(data, parent, lines)
        elif not data or self.has("flow", 0.3):
            lines[-1] += " " + self.properties("map" if isinstance(data, dict) else "seq") + self.flow(data, column)
            lines[-1] += self.tail()
        else:
            properties = self.properties("map" if isinstance(data, dict) else "seq").rstrip()
            lines[-1] += (f" {properties}" if properties else "") + self.tail()
            self.block(data, column, lines)

    def _text(self, text: str, parent: int, lines: list[str]) -> None:
        if "\n" in text and self.chance(0.7) and (block := self._block_scalar(text, parent)):
            lines[-1] += " " + block[0]
            lines += block[1:]
        elif self.has("long scalars", 0.3) and text.isalpha() and self._can_be_plain(text, True):
            indent = " " * (parent + self.pick(1, 2, 5))
            lines[-1] += self.pick(f" {text} and", f" '{text} and", f' "{text} and')
            quote = lines[-1][-len(text) - 5] if lines[-1][-len(text) - 5] in "'\"" else ""
            lines += [self.pick("", "", indent)] if self.chance(0.3) else []
            lines.append(f"{indent}more{quote}{self.tail()}")
        else:
            lines[-1] += " " + self.scalar(text, flow=False) + self.tail()

    def _block_scalar(self, text: str, parent: int) -> list[str] | None:
        body = text.rstrip("\n")
        ends = len(text) - len(body)
        if "\t" in text or (not body and ends != 1):
            return None
        indent = self.pick(1, 2, 2, 4)
        indicator = str(indent) if body.startswith((" ", "\n")) or self.has("long scalars", 0.2) else ""
        chomp = "-" if ends == 0 else "" if ends == 1 and body else "+"
        style = ">" if self.has("long scalars", 0.4) else "|"
        header = style + self.pick(indicator + chomp, chomp + indicator)
        margin = " " * (max(parent, 0) + indent)
        written = [f"{margin}{line}" if line else "" for line in body.split("\n")] if body else []
        padding = [""] * (max(0, ends - 1) if body else ends)
        extra = [""] * self.pick(0, 0, 1, 2) if chomp != "+" else []
        return [self.properties("str") + header + self.pick("", "", " # of the header"), *written, *padding, *extra]

    def block(self, data: Data, column: int, lines: list[str]) -> None:
        """Add a collection that is not empty as lines of its own."""
        if isinstance(data, dict):
            for key, value in data.items():
                self.noise(column, lines)
                self._entry(key, value, column, lines)
            return
        for item in data:
            self.noise(column, lines)
            if self.has("aliases", 0.1) and self.anchors and isinstance(item, str):
                lines.append(f"{' ' * column}- *{self.pick(*self.anchors)}{self.tail()}")
            elif isinstance(item, (dict, list)) and item and not self.has("flow", 0.3) and self.chance(0.9):
                gap = self.pick(1, 1, 1, 3)
                inner: list[str] = []
                self.block(item, column + 1 + gap, inner)
                while not inner[0].strip() or inner[0].lstrip()[0] == "#":
                    inner.pop(0)
                inner[0] = " " * column + "-" + " " * gap + inner[0][column + 1 + gap :]
                lines += inner
            else:
                lines.append(" " * column + "-")
                self.value(item, column + 2, column, lines)

    def _entry(self, key: str, value: Data, column: int, lines: list[str]) -> None:
        below = column + (self.indent_lists if isinstance(value, list) else self.step)
        if self.has("explicit keys", 0.1):
            lines.append(f"{' ' * column}? {self.scalar(key, flow=False, key=True)}{self.tail()}")
            lines.append(f"{' ' * column}:")
            self.value(value, column + 2, column, lines)
            return
        space = self.blank if self.has("trailing blanks", 0.1) else ""
        name = key if self.chance(0.9) else self.scalar(key, flow=False, key=True)
        lines.append(f"{' ' * column}{name}{space}:")
        self.value(value, below, column, lines)

    # --- flow style

    def flow(self, data: Data, column: int) -> str:
        """Return data in flow style, perhaps over several lines."""
        if data is NULL:
            return self.pick("null", "~")
        if isinstance(data, str):
            return self.scalar(data, flow=True)
        break_ = self.has("lines in flow", 0.4)
        margin = f"{self.newline}{' ' * (column + 2)}" if break_ else self.pick("", "", " ")
        comma = "," + (margin if break_ else self.pick(" ", "", "  "))
        comment = f" # why{margin}" if break_ and self.has("comments", 0.3) else margin
        if isinstance(data, list):
            items = [self.flow(item, column + 2) for item in data]
            start, end = "[]"
        else:
            items = [self._flow_entry(key, value, column) for key, value in data.items()]
            start, end = "{}"
        trailing = "," if items and self.has("trailing commas", 0.2) else ""
        closing = (f"{self.newline}{' ' * (column + 1)}" if break_ else self.pick("", " ")) if items else ""
        return f"{start}{comment if items else ''}{comma.join(items)}{trailing}{closing}{end}"

    def _flow_entry(self, key: str, value: Data, column: int) -> str:
        if self.has("json", 0.5):
            return f"{json.dumps(key)}:{self.flow(value, column + 2)}"
        return f"{self.scalar(key, flow=True, key=True)}: {self.flow(value, column + 2)}"


FLAVOURS = (
    "comments", "trailing blanks", "flow", "lines in flow", "trailing commas", "json", "anchors", "aliases", "tags",
    "explicit keys", "long scalars", "merges", "shared lists", "directives", "ends", "foreign", "lists", "nulls",
)  # fmt: skip

"""Compose documents made at random, in every way in which YAML lets one write them: for test_differential.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

ENV = "A=alpha\nB='b $A'\nC=\"c $A\"\nE=\nN=7\nexport X=x y # z\n"
"""The variables of every document."""

PLAIN = [
    "yes", "no", "on", "off", "y", "n", "true", "True", "TRUE", "false", "False", "null", "Null", "NULL", "~", "", "0", "7",
    "-0", "+5", "0777", "08", "0o17", "0O17", "-0o17", "0x1F", "-0x1f", "0b11", "1_000", "_1", "1_0.5", "1.0", "1.5", ".5", "5.",
    "-.5e1", "1e3", "1E+3", "1e400", "1e-400", "6.02e23", "9223372036854775807", "9223372036854775808", "18446744073709551615",
    "18446744073709551616", "99999999999999999999999", "12:30:45", "1:20", "190:20:30.15", "2024-13-01x", "2024", "v2024-01-01",
    "word", "two words", "a:b", "http://h:80/p?q#f", "a#b", "x-y", "-x", ":x", "é😀", "<", "<<x", "=", "a=b", "'", 'a"b', "a'b", "a\\nb",
    "0x", "0b2", "1__0", "+.5", ".", "..", "-", ".e1", "1e", "0.1.2", "1,5", "10.0.0.1", "::1", "a%",
]  # fmt: skip
ODD = [
    "2024-01-01", "2024-1-2", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10", ".inf", "-.INF", "+.Inf", ".nan", ".NaN",
    "<<", "*", "%a", "?x", "@a", "`a`", "!", "&", "[", "{a", "]", "a: b", "a #b", "- a", "? a", "|", ">", "%", "\ta", "a\tb", "a\u00a0b", "\u2028",
]  # fmt: skip
VARIABLES = [
    "$A", "${A}", "x${B}y", "${C:-d}", "${E:-d}", "${E-d}", "${U:-d}", "${U-d}", "${U:-}", "${A:+s}", "${U:+s}", "${E+s}", "${E:+s}",
    "${U:-${A}}", "${U:-${U:-${N}}}", "${U:-a}b}", "${U:-{x}}", "${U:-{}}", "${A:-x} ${U:-y}", "$$", "$$A", "$${A}", "$", "5$ x", "$1",
    "a$", "$A$B", "${A}${B}", "$A.$N", "${A:?e}", "${X}", "${U:-$}", "${U:-$$}", "${U:-a:b}", "${U:-?}", "${_:-u}", "${U:-a\u00e9}",
]  # fmt: skip
WRONG_VARIABLES = [
    "$U",
    "${U}",
    "${A",
    "${",
    "${}",
    "${1}",
    "${A:x}",
    "${U?e}",
    "${U:?e $A}",
    "${U:-$U}",
    "${PWD:-x}",
    "${A:-x\n}",
]
TAGGED = [
    "!!str 5", "!!str yes", "!!str", "!!str 2024-01-01", "!!str ~", "!!int 5", "!!int '0x1F'", "!!float 5", "!!float '1.5'", "!!float 1e3",
    "!!bool true", "!!bool 'FALSE'", "!!null ''", "!!null ~", "!<tag:yaml.org,2002:str> 7", "!!str 'q'", "!!int 1_000", "!!float .5",
]  # fmt: skip
ODD_TAGS = [
    "! ",
    "!foo ",
    "!!binary ",
    "!!timestamp ",
    "!!merge ",
    "!!set ",
    "!reset ",
    "!override ",
    "!<!reset> ",
    "!!map ",
]


@dataclass
class Writer:
    """Writes one document; `odd` is how often something is written that hardly anybody writes."""

    random: random.Random
    odd: float
    anchors: list[tuple[str, str]] = field(default_factory=list)
    """(name, "map", "list" or "scalar")."""
    depth: int = 0
    count: int = 0

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def odds(self) -> bool:
        return self.chance(self.odd)

    # -- scalars ---------------------------------------------------------------------------------------------------------

    def scalar(self, *, flow: bool, indent: int) -> str:
        """Of any style; what it means is for the two readers to say."""
        if self.odds():
            return self.random.choice(ODD)
        styles = {self.plain: 35, self.quoted: 35, self.variable: 10, self.tagged: 5}
        if not flow:
            styles |= {self.block: 10, self.folded: 5}
        (style,) = self.random.choices(list(styles), list(styles.values()))
        return style(flow, indent)

    def plain(self, flow: bool, _: int) -> str:  # noqa: FBT001 - all styles are called alike
        text = self.random.choice(PLAIN)
        return text if not flow or not set(text) & set(",[]{}") else f"'{text}'"

    def quoted(self, _: bool, indent: int) -> str:  # noqa: FBT001 - as above
        return self.double(self.words()) if self.chance(0.6) else self.single(self.words(), indent)

    def variable(self, _: bool, __: int) -> str:  # noqa: FBT001 - as above
        text = self.random.choice(VARIABLES if not self.odds() else WRONG_VARIABLES)
        return self.double(text) if self.chance(0.5) or set(text) & set("{}[],\n?") else text

    def folded(self, _: bool, indent: int) -> str:  # noqa: FBT001 - as above
        return f"{self.random.choice(['one', 'a b'])}\n{' ' * (indent + 2)}{self.random.choice(['more', '# no', '- x', 'k'])}"

    def tagged(self, flow: bool, _: int) -> str:  # noqa: FBT001 - as above
        if self.odds():
            return self.random.choice([*ODD_TAGS, "!!int ", "!!float ", "!!bool ", "!!null "]) + self.random.choice(
                PLAIN
            )
        text = self.random.choice(TAGGED)
        return text if not flow or text != "!!str" else "!!str ''"

    def block(self, _: bool, indent: int) -> str:  # noqa: FBT001 - as above
        return self.literal(indent)

    def text(self, *, indent: int) -> str:
        """A scalar that is a text, and none that is empty."""
        return self.random.choice(
            [self.literal(indent), self.double(f"a{self.words()}"), self.single(f"b{self.words()}", indent)]
        )

    def words(self) -> str:
        pieces = [
            "a",
            "b c",
            "é",
            "\n",
            "\t",
            " ",
            "  ",
            "'",
            '"',
            "\\",
            "#",
            ": ",
            "- ",
            "$$",
            "${A}",
            "😀",
            "\u0085",
            "\u2028",
            "\ufeff",
            "{",
            "}",
            ",",
            "<<",
        ]
        return "".join(self.random.choice(pieces) for _ in range(self.random.randint(0, 6)))

    def double(self, text: str) -> str:
        out = []
        for character in text:
            named = {
                "\n": "\\n",
                "\t": "\\t",
                '"': '\\"',
                "\\": "\\\\",
                "\u0085": "\\N",
                "\u2028": "\\L",
                "\ufeff": "\\uFEFF",
                "\u00a0": "\\_",
            }
            if character in named:
                out.append(named[character])
            elif self.chance(0.1):
                number = ord(character)
                out.append(
                    f"\\x{number:02x}" if number < 256 else f"\\u{number:04X}" if number < 65536 else f"\\U{number:08x}"
                )
            else:
                out.append(character)
        if self.odds():
            out.append(self.random.choice(["\\0", "\\/", "\\e", "\\a", "\\ ", "\\ud800", "\\q", "\\\n", "\n", "\n\n"]))
        return '"' + "".join(out) + '"'

    def single(self, text: str, indent: int) -> str:
        pad = "\n" + " " * (indent + 2)
        for character in "\u0085\u2028\ufeff":
            text = text.replace(character, "")
        return "'" + text.replace("'", "''").replace("\n", pad if self.chance(0.5) else pad + pad) + "'"

    def literal(self, indent: int) -> str:
        head = self.random.choice("|>") + self.random.choice(["", "-", "+", "2", "2-", "+2"])
        lines = [
            self.random.choice(["a", "b: c", "- d", "", "  e", "# f", "$A", "<<", "'", "g\t"])
            for _ in range(self.random.randint(1, 4))
        ]
        if "2" in head and lines[0].startswith(" "):
            lines[0] = "a"
        if "2" not in head and (not lines[0] or lines[0].startswith(" ")):
            lines[0] = "a"
        pad = " " * (indent + 2)
        return head + "".join("\n" + (pad + line if line else "") for line in lines)

    # -- collections -----------------------------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        choice = self.random.random()
        if self.odds():
            return self.random.choice(
                [
                    "'<<'",
                    '"<<"',
                    "! <<",
                    "!!merge <<",
                    "!!str <<",
                    "1",
                    "true",
                    "~",
                    "2024-01-01",
                    "!reset k",
                    "[a]",
                    '"\\x3c<"',
                    f"&{name} k",
                    "k\u00e9",
                ]
            )
        if choice < 0.7:
            return name
        return f"'{name}'" if choice < 0.8 else self.double(name) if choice < 0.9 else f"!!str {name}"

    def anchor(self) -> str:
        if not self.chance(0.25):
            return ""
        self.count += not self.odds()
        return f"a{self.count}"

    def alias(self, *kinds: str) -> str | None:
        known = [name for name, kind in self.anchors if kind in kinds]
        if self.odds():
            return "*nowhere"
        return f"*{self.random.choice(known)}" if known else None

    def value(self, *, flow: bool, indent: int) -> str:
        """A tree, as it follows `key: ` or `- `; a block begins on a line of its own."""
        if self.chance(0.12) and (alias := self.alias("map", "list", "scalar")):
            return alias + (" " if flow else "")
        self.depth += 1
        choice = self.random.random() + self.depth * 0.12
        try:
            if choice > 0.62:
                text = self.scalar(flow=flow, indent=indent)
                name = self.anchor() if not text.startswith(("*", "&")) else ""
                return self.named(name, "scalar") + text
            odd = self.odds()
            if choice < 0.31:
                tag = self.random.choice(ODD_TAGS) if odd else self.random.choice(["", "", "", "!!map "])
                return self.mapping(tag, flow=flow or self.chance(0.3), indent=indent)
            tag = self.random.choice(ODD_TAGS) if odd else self.random.choice(["", "", "", "!!seq "])
            return self.listing(tag, flow=flow or self.chance(0.3), indent=indent)
        finally:
            self.depth -= 1

    def named(self, name: str, kind: str) -> str:
        """The anchor, which later values may refer to."""
        if not name:
            return ""
        self.anchors.append((name, kind))
        return f"&{name} "

    def pairs(self, *, flow: bool, indent: int) -> list[str]:
        names = self.random.sample(list("klmnopq"), self.random.randint(0 if flow else 1, 4))
        if self.odds():
            names.append(self.random.choice(names or ["k"]))
        made = [self.pair(self.key(name), flow=flow, indent=indent) for name in names]
        if self.chance(0.3) and (merge := self.merge(flow=flow, indent=indent)):
            made.insert(self.random.randint(0, len(made)), merge)
        return made

    def pair(self, key: str, *, flow: bool, indent: int) -> str:
        value = self.value(flow=flow, indent=indent)
        if not flow and self.chance(0.05):
            return f"? {key}\n{' ' * indent}: {value}"
        return f"{key}: {value}"

    def merge(self, *, flow: bool, indent: int) -> str | None:
        key = (
            "<<"
            if not self.odds()
            else self.random.choice(["'<<'", "! <<", "!!merge <<", '"<<"', "!<tag:yaml.org,2002:merge> <<"])
        )
        choice = self.random.random()
        one, other = self.alias("map"), self.alias("map")
        if self.odds():
            return f"{key}: {self.alias('list', 'scalar') or 'x'}" + (" " if flow else "")
        if choice < 0.2 or one is None:
            return f"{key}: {{m: 1, z: {self.scalar(flow=True, indent=indent)}}}"
        if choice < 0.7:
            return f"{key}: {one}" + (" " if flow else "")
        return f"{key}: [{one} , {{y: 2}}, {other} ]"

    def mapping(self, tag: str, *, flow: bool, indent: int) -> str:
        name = self.anchor()
        made = self.pairs(flow=flow, indent=indent + 2)
        anchor = self.named(name, "map")
        head = tag + anchor if self.chance(0.5) else anchor + tag
        if flow:
            return (
                head
                + "{"
                + self.random.choice([", ", ",", " , "]).join(made)
                + ("," if made and self.chance(0.1) else "")
                + "}"
            )
        return head.rstrip() + "".join(f"\n{self.comment(indent + 2)}{' ' * (indent + 2)}{one}" for one in made)

    def listing(self, tag: str, *, flow: bool, indent: int) -> str:
        name = self.anchor()
        made = [self.value(flow=flow, indent=indent + 2) for _ in range(self.random.randint(0 if flow else 1, 4))]
        head = tag + self.named(name, "list")
        if flow:
            return head + "[" + ", ".join(made) + "]"
        return head.rstrip() + "".join(f"\n{self.comment(indent + 2)}{' ' * (indent + 2)}- {one}" for one in made)

    def comment(self, indent: int) -> str:
        if not self.chance(0.1):
            return ""
        return " " * self.random.choice([0, indent, indent + 4]) + self.random.choice(
            ["# no\n", "#\n", "# <<: *a\n", "\n"]
        )


@dataclass
class Project:
    """One document with the files that it refers to; names begin with `prefix`, so that many can be read together."""

    random: random.Random
    prefix: str
    odd: float
    files: dict[str, str] = field(default_factory=dict)

    def write(self) -> dict[str, str]:
        names = [f"{self.prefix}s{index}" for index in range(self.random.randint(1, 3))]
        if self.random.random() < 0.3:
            self.files["base/base.yaml"] = self.extended()
        if self.random.random() < 0.3:
            self.files["part/part.yaml"] = self.compose([f"{self.prefix}p"], "part/")
            if self.random.random() < 0.4:
                self.files["part/more.yaml"] = (
                    f"services:\n  {self.prefix}p:\n{self.service(Writer(self.random, self.odd), 'p', [], 'part/')}"
                )
        if self.random.random() < 0.3:
            self.files["one.env"] = self.env_file("ONE")
            self.files["part/two.env"] = self.env_file("TWO")
        self.files["compose.yaml"] = self.compose(names, "")
        self.files[".env"] = ENV
        return self.files

    def env_file(self, name: str) -> str:
        values = [
            "1",
            "a b",
            "'q $A'",
            '"d\\n$A"',
            "$A",
            "${U:-x}",
            "a # c",
            "#",
            "",
            '"x\ny"',
            "'it'",
            "\\t",
            "a\\",
            "$N$N",
            '"\\\\$$"',
            "x=y",
            "é",
        ]
        lines = [
            f"{self.random.choice(['', 'export ', ' '])}{name}{index}{self.random.choice(['=', ' = ', ': '])}{self.random.choice(values)}"
            for index in range(3)
        ]
        return "# env\n" + "\n".join([*lines, self.random.choice(["A", "# A", ""])]) + "\n"

    def extended(self) -> str:
        writer = Writer(self.random, self.odd)
        return f"services:\n  base:\n{self.service(writer, 'base', [], 'base/')}  other:\n    image: other\n    extends: base\n"

    def compose(self, names: list[str], folder: str) -> str:
        writer = Writer(self.random, self.odd)
        text = self.random.choice(["", "", "---\n", "# a\n", "%YAML 1.2\n---\n" if writer.odds() else ""])
        if not folder and "part/part.yaml" in self.files:
            text += self.including()
        if writer.chance(0.6):
            text += f"x-any: {writer.value(flow=False, indent=0)}\n"
        if writer.chance(0.5):
            writer.anchors.append(("service", "service"))
            text += "x-service: &service\n  restart: always\n" + (
                f"  environment: &environment\n    SHARED: {writer.scalar(flow=False, indent=4)}\n    M: x\n"
                if writer.chance(0.5)
                else "  tty: true\n"
            )
        text += "services:\n"
        for name in names:
            text += f"  {writer.key(name) if writer.odds() else name}:\n{self.service(writer, name, names, folder)}"
        if writer.chance(0.3):
            text += f"configs:\n  {self.prefix}{names[-1]}c:\n    content: {writer.text(indent=4)}\n"
        if writer.odds():
            text += writer.random.choice(["...\n", "---\na: 1\n", "# end", "x-b: &a1 1\n", "services: {}\n"])
        if writer.chance(0.05):
            text = text.replace("\n", "\r\n")
        return text

    def including(self) -> str:
        if "part/more.yaml" in self.files:
            return "include:\n  - path: [part/part.yaml, part/more.yaml]\n"
        return self.random.choice(
            [
                "include: [part/part.yaml]\n",
                "include:\n  - path: part/part.yaml\n",
                "include: [{path: [part/part.yaml]}]\n",
                "include:\n  - {path: ./part/../part/part.yaml, env_file: .env}\n",
            ]
        )

    def service(self, writer: Writer, name: str, names: list[str], folder: str) -> str:
        """Its keys, each on a line of its own."""
        lines = [f"image: {writer.random.choice(['x', 'x:${N}', chr(34) + 'x:1' + chr(34)])}"]
        if writer.chance(0.5):
            lines.append(f"x-v: {writer.value(flow=False, indent=4)}")
        if writer.chance(0.5):
            lines.append("environment:" + self.variables(writer))
        if writer.chance(0.4):
            lines.append("labels:" + self.variables(writer))
        if writer.chance(0.3):
            listed = f"[a, {writer.double(writer.words())}, '$A']"
            lines.append(f"command: {writer.random.choice(['echo A ${U:-c}', listed, 'echo $A'])}")
        if ("service", "service") in writer.anchors and writer.chance(0.5):
            lines.insert(
                writer.random.randint(0, len(lines)),
                writer.random.choice(["<<: *service", "<<: [*service]", "<<: [{tty: false}, *service]"])
                if not writer.odds()
                else "! <<: *service",
            )
        if "base/base.yaml" in self.files and not folder and writer.chance(0.5):
            lines.append(
                writer.random.choice(
                    [
                        "extends: {file: base/base.yaml, service: base}",
                        "extends:\n      file: ./base/base.yaml\n      service: other",
                    ]
                )
            )
        elif names and name != names[0] and writer.chance(0.3):
            lines.append(f"extends: {names[0]}" if writer.chance(0.5) else f"extends: {{service: {names[0]}}}")
        if "one.env" in self.files and writer.chance(0.4):
            near = {"": ["one.env", "part/two.env"], "part/": ["two.env", "../one.env"], "base/": ["../one.env"]}[
                folder
            ]
            lines.append(
                "env_file: "
                + writer.random.choice(
                    [
                        near[0],
                        f"[{', '.join(near)}]",
                        f"[{{path: {near[0]}}}]",
                        f"[{{path: {near[-1]}, required: false}}, {{path: no.env, required: false}}]",
                    ]
                )
            )
        return "".join(f"    {line}\n" for line in lines)

    def variables(self, writer: Writer) -> str:
        """A mapping or list of names and values, in block or flow style."""
        names = writer.random.sample(list("ABCFGH"), writer.random.randint(1, 3))
        if writer.chance(0.4):
            items = [
                writer.random.choice([name, writer.double(f"{name}=1"), f"{name}=x", f"'{name}=$A'"]) for name in names
            ]
            return f" [{', '.join(items)}]" if writer.chance(0.5) else "".join(f"\n      - {item}" for item in items)
        tag = writer.random.choice(["!override ", "!reset "]) if writer.chance(0.05) else ""
        if writer.chance(0.3):
            return (
                f" {tag}{{{', '.join(f'{writer.key(name)}: {writer.scalar(flow=True, indent=6)}' for name in names)}}}"
            )
        pairs = [f"{writer.key(name)}: {writer.scalar(flow=False, indent=6)}" for name in names]
        if ("service", "service") in writer.anchors and writer.odds():
            pairs.append("<<: *environment")
        return f" {tag.rstrip()}" * bool(tag) + "".join(f"\n      {pair}" for pair in pairs)

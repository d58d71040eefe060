"""Files that are made to hurt: each is one problem, after bounded work, in bounded memory."""

import json
import subprocess
import sys

import pytest

from deployer.document import parse
from deployer.document.build import LARGEST

MIB = 1 << 20


def laughs() -> str:
    lines = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    return "\n".join(lines)


def merges() -> str:
    keys = ", ".join(f"k{i}: 1" for i in range(1000))
    return f"a: &a {{{keys}}}\n" + "".join(f"b{i}: {{<<: [{', '.join(['*a'] * 9)}]}}\n" for i in range(100))


HOSTILE = {
    "billion laughs": laughs(),
    "merge bomb": merges(),
    "long string, many times": 'a: &a "' + "x" * 900_000 + '"\nb: [' + "*a, " * 999 + "]",
    "more aliases than anyone writes": "a: &a 1\nb: [" + "*a, " * 1001 + "]",
    "deep brackets": "[" * 30_000,
    "deep brackets to the limit of size": "[" * MIB,
    "deep braces": "{" * 100_000,
    "deep flow pairs": "{a: [b, " * 50_000,
    "deep dashes": "- " * 30_000,
    "deep question marks": "? " * 50_000,
    "deep indentation": "".join(" " * i + "a:\n" for i in range(1000)),
    "a list of half a million": "[" + "a," * 520_000 + "]",
    "a hundred thousand equal keys": "a:\n" * 100_000,
    "a hundred thousand documents": "---\n" * 100_000,
    "open quote": '"' + "\n" * (MIB - 1),
    "no colon for a megabyte": "a" * 1020 + ": [" + "b" * (MIB - 2000),
    "tag directives": "%TAG !a! b\n" * 90_000,
    "escaped tag": "a: !<" + "%41" * 300_000 + "> x",
    "one byte too many": "#" * (MIB + 1),
    "twenty times too large": "#" * (20 * MIB),
    "nothing but NUL": "\0" * MIB,
    "self reference": "&a [*a]",
    "python object": "!!python/object/new:type {args: [z, !!python/tuple [], {extend: !!python/name:exec }]}",
}  # fmt: skip

MEASURE = """
import json, sys
from deployer.document import parse

def peak():  # of this program alone: ru_maxrss would begin with the size of the process that started it
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024

parse("warm-up", b"a: 1")
data = sys.stdin.buffer.read()
before, calls = peak(), 0

def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")

sys.setprofile(count)
document, problems = parse("f.yaml", data)
sys.setprofile(None)
print(json.dumps({"calls": calls, "mib": peak() - before, "problems": len(problems)}))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file(name: str) -> None:
    # A process of its own: a crash of the C library would be seen, and the memory is the parser's alone.
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], input=HOSTILE[name].encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    measured = json.loads(done.stdout)
    assert measured["problems"] >= 1
    assert measured["calls"] < 20 * LARGEST, "more work than a file of the largest size is"
    assert measured["mib"] < 100


@pytest.mark.parametrize(
    ("name", "line"), [("billion laughs", 5), ("merge bomb", 7), ("deep brackets", 1), ("deep indentation", 65)]
)
def test_the_problem_is_where_the_limit_is_passed(name: str, line: int) -> None:
    # 10 laughs a line, tenfold each: 11 + 111 + 1,111 + 11,111 values, and the fifth line passes 100,000.
    # The merge bomb's first line is 2,001 values (each key is one too), each other line nine times that: 5 are 90,045.
    problems = parse("f.yaml", HOSTILE[name].encode())[1]
    assert [problem.line for problem in problems] == [line]


def test_a_large_honest_file_is_read() -> None:
    service = (
        "  s{0}:\n    <<: *common\n    image: app:{0}\n    environment: {{A: '{0}', B: x}}\n    ports: [80, 443]\n"
    )
    text = "x: &common {restart: always, logging: {driver: json-file}}\nservices:\n" + "".join(
        service.format(i) for i in range(900)
    )
    document, problems = parse("f.yaml", text.encode())
    assert problems == ()
    assert document is not None
    assert document.value["services"]["s899"]["logging"] == {"driver": "json-file"}

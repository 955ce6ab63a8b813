"""The first code of a new node, in each language: reads its parents, writes `data/`, with plain paths.

Each text works as it stands, for any data a parent has, in a build and by hand. None may need more than
the language's standard library, and none imports anything of ours.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence

SUFFIXES = ("py", "sh", "R", "jl", "m")
"""What `fp new --lang` takes; also the suffix of the entry."""


def starter(language: str, aliases: Sequence[str]) -> str:
    """The text of `code/main.<language>` for a node with these parents."""
    return _STARTERS[language](aliases)


def _python(aliases: Sequence[str]) -> str:
    head = '"""Say here what this node does."""\n\n'
    if not aliases:
        return head + (
            "import csv\nimport os\n\n"
            "# What is written to ../data/ is this node's result; plots for people go to ../reports/.\n"
            'os.makedirs("../data", exist_ok=True)\n'
            'with open("../data/squares.csv", "w", newline="") as file:\n'
            "    table = csv.writer(file)\n"
            '    table.writerow(["number", "square"])\n'
            "    table.writerows([number, number**2] for number in range(1, 11))\n"
        )
    parents = ", ".join(_double_quoted(f"../parents/{alias}") for alias in aliases)
    return head + (
        "import json\nimport os\n\n"
        "# What a parent wrote is below ../parents/<its name>/.\n"
        f"PARENTS = [{parents}]\n\n"
        "sizes = {}\n"
        "for parent in PARENTS:\n"
        "    for name in sorted(os.listdir(parent)):\n"
        '        path = f"{parent}/{name}"\n'
        "        sizes[path] = os.path.getsize(path) if os.path.isfile(path) else None\n\n"
        "# What is written to ../data/ is this node's result; plots for people go to ../reports/.\n"
        'os.makedirs("../data", exist_ok=True)\n'
        'with open("../data/sizes.json", "w") as file:\n'
        "    json.dump(sizes, file, indent=1)\n"
    )


def _shell(aliases: Sequence[str]) -> str:
    head = (
        "# Say here what this node does.\n"
        "set -eu\n\n"
        "# A parent's result is below ../parents/<its name>/; this node's is what it writes to ../data/.\n"
        "mkdir -p ../data\n"
    )
    if not aliases:
        return head + "printf '%s\\n' one two three > ../data/words.txt\n"
    parents = " ".join(shlex.quote(alias) for alias in aliases)
    return head + (
        f'for parent in {parents}; do\n    ls "../parents/$parent/" > "../data/$parent.txt"\ndone\n'
    )


def _r(aliases: Sequence[str]) -> str:
    head = (
        "# Say here what this node does.\n\n"
        "# A parent's result is below ../parents/<its name>/; this node's is what it writes to ../data/.\n"
        'dir.create("../data", showWarnings = FALSE)\n'
    )
    if not aliases:
        return head + (
            "squares <- data.frame(number = 1:10, square = (1:10)^2)\n"
            'write.csv(squares, "../data/squares.csv", row.names = FALSE)\n'
        )
    parents = ", ".join(map(_double_quoted, aliases))
    return head + (
        f"for (parent in c({parents})) {{\n"
        '  place <- file.path("../parents", parent)\n'
        "  stopifnot(dir.exists(place))\n"
        '  names <- sort(list.files(place), method = "radix")\n'
        '  writeLines(names, file.path("../data", paste0(parent, ".txt")))\n'
        "}\n"
    )


def _julia(aliases: Sequence[str]) -> str:
    head = (
        "# Say here what this node does.\n\n"
        "# A parent's result is below ../parents/<its name>/; this node's is what it writes to ../data/.\n"
        'mkpath("../data")\n'
    )
    if not aliases:
        return head + (
            'open("../data/squares.csv", "w") do file\n'
            '    println(file, "number,square")\n'
            "    for number in 1:10\n"
            '        println(file, number, ",", number^2)\n'
            "    end\n"
            "end\n"
        )
    parents = ", ".join(_double_quoted(alias).replace("$", "\\$") for alias in aliases)
    return head + (
        f"for parent in [{parents}]\n"
        '    open("../data/$parent.txt", "w") do file\n'
        '        foreach(name -> println(file, name), sort(readdir("../parents/$parent")))\n'
        "    end\n"
        "end\n"
    )


def _matlab(aliases: Sequence[str]) -> str:
    head = (
        "% Say here what this node does.\n\n"
        "% A parent's result is below ../parents/<its name>/; this node's is what it writes to ../data/.\n"
        "if ~exist('../data', 'dir'), mkdir('../data'); end\n"
    )
    if not aliases:
        return head + (
            "file = fopen('../data/squares.csv', 'w');\n"
            "fprintf(file, 'number,square\\n');\n"
            "fprintf(file, '%d,%d\\n', [1:10; (1:10).^2]);\n"
            "fclose(file);\n"
        )
    parents = ", ".join(_single_quoted(alias) for alias in aliases)
    return head + (
        f"parents = {{{parents}}};\n"
        "for k = 1:numel(parents)\n"
        "  place = ['../parents/' parents{k}];\n"
        "  assert(exist(place, 'dir') == 7, '%s is not there', place);\n"
        "  listing = dir(place);\n"
        "  names = sort(setdiff({listing.name}, {'.', '..'}));\n"
        "  file = fopen(['../data/' parents{k} '.txt'], 'w');\n"
        "  for n = 1:numel(names), fprintf(file, '%s\\n', names{n}); end\n"
        "  fclose(file);\n"
        "end\n"
    )


def _double_quoted(text: str) -> str:
    """A string literal in TOML, Python, R and (but for `$`) Julia; names hold no control characters."""
    return json.dumps(text, ensure_ascii=False)


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_STARTERS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "py": _python,
    "sh": _shell,
    "R": _r,
    "jl": _julia,
    "m": _matlab,
}

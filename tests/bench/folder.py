"""A folder of many small files: one process and two, killed half-way and resumed, and how much memory it takes.

    python tests/bench/folder.py FOLDER [--files N] [--fewer N] [-o TABLE.md]

Makes N articles (default 20,000) of 40 to 300 words in FOLDER, which must not exist or be empty, and writes nothing elsewhere.
The texts are sentences of a small grammar of news, one article in five spun with the shipped press dictionary, all with a fixed
seed. Then measures: the wall-clock and processor time of ``-j 1`` and ``-j 2``, and the share of the parent process in it;
SIGKILL half-way and ``--resume``, with the trees compared byte for byte; a second ``--resume``, which has nothing to do; the
peak memory of parent and workers for N files and for fewer (default 2,000). Exits with 1 if trees differ.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SEED = 8
WORDS = (40, 300)
SPUN = 5
"""One article in so many is spun."""

WHO = (
    "the prime minister,the foreign minister,the mayor,a spokesman,officials,the president,the company,police,the judge,"
    "the court,lawmakers,the coach,the government,researchers,the hospital,the school board,protesters,the army,the union"
).split(",")
WHERE = "in the capital,near the border,in the north,at the airport,in the region,outside the city,at the site,abroad".split(
    ","
)
WHEN = "on Monday,on Tuesday,last week,next month,this year,late on Friday,in January,over the weekend,on Sunday".split(",")
WHAT = (
    "the talks,the agreement,the new law,the election,the report,the attack,the budget,the plan,the vote,the bridge,"
    "the investigation,the sanctions,the strike,the match,the trial,the vaccine,the road,the border crossing,the museum"
).split(",")
DID = (
    "said {what} would begin {when},told reporters that {what} had failed,announced {what} {when},"
    "called for an end to {what},refused to comment on {what},agreed to delay {what} until the end of the month,"
    "welcomed {what} but asked for more time,warned that {what} could cost thousands of jobs,"
    "rejected {what} {where},met {other} {where} to discuss {what},expected {what} to help people {where},"
    "said there was no evidence against {other},asked {other} to support {what}"
).split(",")
SHAPES = (
    "{who} {did}.",
    "{who} {did}, and {other} {did2}.",
    "{when}, {who} {did}.",
    "{who} {did}, according to {other}.",
    "Although {other} {did2}, {who} {did}.",
    "About {number} people were {where} {when} when {who} {did}.",
)

# -- texts ---------------------------------------------------------------------------------------------------------------


def sentence(luck: random.Random) -> str:
    def filled(text: str) -> str:
        while "{" in text:
            text = text.format(
                who=luck.choice(WHO),
                other=luck.choice(WHO),
                what=luck.choice(WHAT),
                when=luck.choice(WHEN),
                where=luck.choice(WHERE),
                did=luck.choice(DID),
                did2=luck.choice(DID),
                number=luck.randrange(3, 900),
            )
        return text

    made = filled(luck.choice(SHAPES))
    return made[0].upper() + made[1:]


def article(luck: random.Random) -> str:
    wanted = luck.randint(*WORDS)
    sentences: list[str] = []
    while sum(map(words, sentences)) < wanted:
        sentences.append(sentence(luck))
    lines = [" ".join(sentences[at : at + 3]) for at in range(0, len(sentences), 3)]
    return "\n\n".join(lines) + "\n"


def words(text: str) -> int:
    return text.count(" ") + 1


@cache
def swaps() -> dict[str, list[str]]:
    """Single words to what a press spinner writes for them."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "dictionaries" / "press.tsv").read_text("utf-8").splitlines()[1:]:
        spun, original, weight, *_ = line.split("\t")
        if float(weight) > 0.3 and len(original) > 4:
            found.setdefault(original, []).append(spun)
    return found


def spin(text: str, luck: random.Random) -> str:
    """Each word that spinners know, one in two swapped, the same way throughout."""
    chosen: dict[str, str] = {}
    for word in text.split(" "):
        if word in swaps() and word not in chosen:
            chosen[word] = luck.choice(swaps()[word]) if luck.random() < 0.5 else word
    return " ".join(chosen.get(word, word) for word in text.split(" "))


def make(folder: Path, files: int) -> int:
    """Write the articles, a hundred a folder; gives how many words they have."""
    luck, total = random.Random(SEED), 0
    for number in range(files):
        text = article(luck)
        if number % SPUN == 0:
            text = spin(text, luck)
        path = folder / f"{number // 100:03}" / f"{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        total += words(text)
    return total


# -- runs ----------------------------------------------------------------------------------------------------------------

STARTER = """
import resource, sys
from restore.cli import execute
code = execute(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
sys.exit(code)
"""


class Spent(NamedTuple):
    """Seconds by the clock and of the processors, those of the parent process, and its peak memory and the workers' in MB."""

    wall: float
    processor: float
    parent: float
    memory: float
    workers: float


def start(place: Path, *args: str) -> subprocess.Popen[str]:
    """``restore`` with everything it remembers below ``place``."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    home = {name: str(place / "home") for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, *args],
        cwd=place,
        env={**os.environ, **home, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(place: Path, *args: str) -> Spent:
    begin = time.perf_counter()
    process = start(place, *args)
    _, status, used = os.wait4(process.pid, 0)  # the usage of the workers it waited for is in there
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"restore {' '.join(args)}: exit code {process.returncode}")
    assert process.stdout is not None
    parent, memory = map(float, process.stdout.read().split())
    return Spent(wall, used.ru_utime + used.ru_stime, parent, memory, used.ru_maxrss / 1024)


def kill(place: Path, output: Path, least: int, *args: str) -> int:
    """Start a run and kill it, workers and all, when so many files are there; gives how many there were."""
    process = start(place, *args)
    while process.poll() is None and count(output) < least:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return count(output)


def count(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))


def tree(folder: Path) -> str:
    """A hash of all names and bytes below a folder."""
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(folder)}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


# -- the table -----------------------------------------------------------------------------------------------------------


def measure(place: Path, files: int, fewer: int) -> Iterator[tuple[str, str]]:
    total = make(place / "in", files)
    make(place / "few", fewer)
    load = f"load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else "load unknown"
    yield "machine", f"{os.cpu_count()} cores, Python {platform.python_version()}, {load}"
    yield "articles", f"{files:,} of {total / files:.0f} words on average"
    run(place, "few", "-q", "-j", "1", "-o", "warm")  # compiles the dictionaries
    one = run(place, "in", "-q", "-j", "1", "-o", "one")
    yield "`-j 1`", described(one)
    two = run(place, "in", "-q", "-j", "2", "-o", "two")
    yield "`-j 2`", described(two)
    yield "... how many times as fast, by the clock", f"{one.wall / two.wall:.2f}"
    yield "... by processor time, had it two cores to itself", f"{one.processor / (two.processor / 2):.2f}"
    whole = tree(place / "one")
    yield "trees of `-j 1` and `-j 2`", same(whole, tree(place / "two"))
    killed = kill(place, place / "killed", files // 2, "in", "-q", "-j", "2", "-o", "killed")
    resumed = run(place, "in", "-q", "-j", "2", "-o", "killed", "--resume")
    yield f"killed after {killed:,} files, resumed", described(resumed)
    yield "trees of the resumed run and the whole one", same(whole, tree(place / "killed"))
    again = run(place, "in", "-q", "-j", "2", "-o", "killed", "--resume")
    yield "resumed again", described(again)
    few = run(place, "few", "-q", "-j", "2", "-o", "few2")
    yield f"peak memory, {fewer:,} files", f"parent {few.memory:.0f} MB, largest process {few.workers:.0f} MB"
    yield f"peak memory, {files:,} files", f"parent {two.memory:.0f} MB, largest process {two.workers:.0f} MB"
    yield "... a file more", f"{(two.memory - few.memory) / (files - fewer) * 1e6:,.0f} bytes" if files > fewer else ""


def described(spent: Spent) -> str:
    return f"{spent.wall:.1f} s; processor time {spent.processor:.1f} s, of which the parent {spent.parent:.1f} s"


def same(one: str, other: str) -> str:
    return "identical" if one == other else "DIFFERENT"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--fewer", type=int, default=2_000)
    parser.add_argument("-o", "--output", type=Path, help="the table; standard output if left out")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if any(args.folder.iterdir()):
        parser.error(f"{args.folder} is not empty")
    different = False
    with args.output.open("w", encoding="utf-8") if args.output else contextlib.nullcontext(sys.stdout) as out:
        out.write("| | |\n|---|---|\n")
        for name, value in measure(args.folder.resolve(), args.files, args.fewer):
            different = different or value == "DIFFERENT"
            out.write(f"| {name} | {value} |\n")
            out.flush()
    return int(different)


if __name__ == "__main__":
    sys.exit(main())

"""How fast ``restore`` is, what it needs, and where the time goes, beside the peers that pip can install.

    python tests/bench/speed.py [--articles DIR] [--words N] [--folder N] [-o TABLE.md]

DIR holds ``press/spun`` and ``clean``, each with .txt files. Writes a dated Markdown table: cold starts, words/s on one core
with the kernel and without, other tools if they are installed, a folder by one process and by more, memory, growth up to N
words (default a million; ten million take ten minutes), one line of 100 MB, and a profile by stage.

Figures are medians of five runs, each kind of measurement in a process of its own. Starts and folders are by the clock, all
else by processor time, so that what else runs on the machine counts for little.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import itertools
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SEED = ROOT / "seeds" / "blinken-geneva.txt"
RUNS = 5
PEERS = "symspellpy", "pyspellchecker", "codespell"
STAGES = {
    "engine": ("parse", "protected_spans", "evidence", "glance", "infer", "heed_phrases", "readings", "rerank", "_restoration"),
    "document": ("expand", "log_best", "log_genuine", "forward_backward", "score_edges", "learn_habits", "estimate_rates"),
    "rerank": ("features",),
}
"""Functions timed for the profile, by module; those of ``document`` are parts of ``infer``, ``features`` of ``rerank``."""


# -- in a process of its own -----------------------------------------------------------------------------------------


def read(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted(folder.rglob("*.txt"))]


def count(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    start = clock()
    work()
    return clock() - start


def throughput(folder: str) -> dict[str, float]:
    """Words/s of the library on one core, after one pass to warm up."""
    from restore import Restorer

    restorer, texts = Restorer(), read(Path(folder))
    if os.environ.get("RESTORE_KERNEL") == "0":
        texts = texts[:15]
    times = [seconds(lambda: [restorer.restore(text) for text in texts]) for _ in range(RUNS + 1)]
    return {"words": count(texts), "rate": count(texts) / statistics.median(times[1:])}


def grow(folder: str, words: str, joint: str = "\n\n") -> dict[str, float]:
    """Seconds for one text of so many words, and the peak of memory in MB, before and after."""
    from restore import Restorer

    texts = [joint.join(text.split()) if joint == " " else text for text in read(Path(folder))]
    parts, found = [], 0
    for text in itertools.cycle(texts):
        rest = int(words) - found
        size = count([text])
        parts.append(text if size <= rest else text[: len(text) * rest // size])
        found += min(size, rest)
        if found >= int(words):
            break
    text = joint.join(parts)
    restorer = Restorer()
    restorer.restore(texts[0])
    before = peak()
    spent = seconds(lambda: restorer.restore(text))
    return {"words": found, "mb": len(text) / 1e6, "seconds": spent, "before": before, "after": peak()}


def peak() -> float:
    """Greatest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stand(folder: str) -> dict[str, float]:
    """Restore a folder, say so, and wait with all that is in memory."""
    from restore import Restorer

    restorer = Restorer()
    for text in read(Path(folder)):
        restorer.restore(text)
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    return {"restorer": id(restorer)}


def profile(folder: str) -> dict[str, float]:
    """Microseconds a word in each stage."""
    import restore
    from restore import Restorer

    spent: Counter[str] = Counter()
    for module, names in STAGES.items():
        for name in names:
            timed(__import__(f"restore.{module}", fromlist=[name]), name, spent)
    timed(restore.engine.Restorer, "_restore", spent)  # type: ignore[attr-defined]
    restorer, texts = Restorer(), read(Path(folder))
    for text in texts:
        restorer.restore(text)
    spent.clear()
    for text in texts:
        restorer.restore(text)
    return {name: 1e6 * value / count(texts) for name, value in spent.most_common()}


def timed(owner: Any, name: str, spent: Counter[str]) -> None:
    function = getattr(owner, name)

    def wrapper(*args: Any, **options: Any) -> Any:
        start = time.process_time()
        try:
            return function(*args, **options)
        finally:
            spent[name] += time.process_time() - start  # type: ignore[assignment]

    setattr(owner, name, wrapper)


def peer(name: str, folder: str) -> dict[str, float]:
    """Words/s of another tool on the same texts."""
    texts = read(Path(folder))[:5]
    work = {"symspellpy": symspell, "pyspellchecker": spellchecker, "codespell": codespell}[name](texts)
    times = 40 if name == "codespell" else 1
    return {"rate": times * count(texts) / statistics.median(seconds(work) for _ in range(3))}


def symspell(texts: Sequence[str]) -> Callable[[], object]:
    from importlib.resources import files

    from symspellpy import SymSpell

    speller = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    speller.load_dictionary(str(files("symspellpy") / "frequency_dictionary_en_82_765.txt"), 0, 1)
    return lambda: [speller.lookup_compound(line, 2) for text in texts for line in text.splitlines() if line.strip()]


def spellchecker(texts: Sequence[str]) -> Callable[[], object]:
    from spellchecker import SpellChecker

    speller = SpellChecker(distance=1)
    return lambda: [speller.correction(word) for text in texts for word in speller.unknown(text.split())]


def codespell(texts: Sequence[str]) -> Callable[[], object]:
    from codespell_lib import main

    folder = Path(tempfile.mkdtemp())
    for number, text in enumerate(40 * list(texts)):
        (folder / f"{number}.txt").write_text(text, "utf-8")

    def work() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            main(str(folder))

    return work


# -- the parent --------------------------------------------------------------------------------------------------------


def ask(*call: str, kernel: bool = True) -> dict[str, float]:
    """What a measurement says, taken in a new process."""
    found = subprocess.run(
        [sys.executable, __file__, "--measure", *call], env=environment(kernel), capture_output=True, text=True
    )
    if found.returncode:
        raise RuntimeError(f"{' '.join(call)}: {found.stderr.strip().splitlines()[-1]}")
    answer: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return answer


def environment(kernel: bool = True) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "RESTORE_KERNEL": "1" if kernel else "0"}


def command(*args: str) -> float:
    """Median seconds of a command, start included."""
    call = [sys.executable, *args]
    run = lambda: subprocess.run(call, env=environment(), capture_output=True, check=True, cwd=ROOT)  # noqa: E731
    return statistics.median(seconds(run, time.perf_counter) for _ in range(RUNS))


Row = tuple[str, str, str]


def starts() -> Iterator[Row]:
    yield "`python -c pass`, the floor", f"{command('-c', 'pass'):.3f} s", ""
    module = "-m", "restore"
    yield "`restore --version`", f"{command(*module, '--version'):.3f} s", "0.12 s"
    yield "`restore --help`", f"{command(*module, '--help'):.3f} s", "0.15 s"
    yield "`restore seeds/blinken-geneva.txt`", f"{command(*module, str(SEED)):.3f} s", "0.45 s"
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    yield "... its memory at most", f"{used:.0f} MB", "200 MB"


def rates(articles: Path) -> Iterator[Row]:
    wanted = {("spun", True): "40,000", ("clean", True): "250,000", ("spun", False): "10,000", ("clean", False): "60,000"}
    for (kind, kernel), least in wanted.items():
        found = ask("throughput", str(folder_of(articles, kind)), kernel=kernel)
        yield f"{kind}, {'kernel' if kernel else 'plain Python'}", f"{found['rate']:,.0f} words/s", least


def folder_of(articles: Path, kind: str) -> Path:
    return articles / "press" / "spun" if kind == "spun" else articles / kind


def folders(articles: Path, files: int) -> Iterator[Row]:
    """A folder of articles through the command line, by one process and by as many as there are cores."""
    texts = read(folder_of(articles, "spun")) + read(folder_of(articles, "clean"))
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "in"
        source.mkdir()
        for number in range(files):
            (source / f"{number}.txt").write_text(texts[number % len(texts)], "utf-8")
        words = count([texts[number % len(texts)] for number in range(files)])
        alone = 0.0
        for jobs in sorted({1, 2, os.cpu_count() or 1}):
            call = [sys.executable, "-m", "restore", str(source), "-q", "-j", str(jobs), "-o", f"{name}/out{jobs}"]
            start = time.perf_counter()
            subprocess.run(call, env=environment(), capture_output=True, check=True)
            spent = time.perf_counter() - start
            alone = alone or spent
            yield (
                f"{files} files, {jobs} at a time",
                f"{words / spent:,.0f} words/s, {alone / spent:.2f} times one",
                "1.8 (two)",
            )


def memory(articles: Path) -> Iterator[Row]:
    """Proportional set size of processes that were started one by one and have all restored the same folder."""
    for workers in (1, 2, 4):
        call = [sys.executable, __file__, "--measure", "stand", str(folder_of(articles, "spun"))]
        running = [
            subprocess.Popen(call, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(workers)
        ]
        for process in running:
            process.stdout.readline()  # type: ignore[union-attr]
        used = sum(map(proportional, running))
        for process in running:
            process.communicate("\n")
        yield f"{workers} processes together", f"{used:.0f} MB", f"{150 + 60 * workers} MB"


def proportional(process: subprocess.Popen[str]) -> float:
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def growth(articles: Path, words: int) -> Iterator[Row]:
    for kind, most in (("clean", words), ("spun", words // 10)):
        points = []
        for size in (10**n for n in range(3, 9) if 10**n <= most):
            found = ask("grow", str(folder_of(articles, kind)), str(size))
            points.append((found["words"], found["seconds"]))
            rate = found["words"] / found["seconds"]
            yield f"{kind}, {size:,} words", f"{found['seconds']:.2f} s, {rate:,.0f} words/s, {found['after']:.0f} MB", ""
        yield f"{kind}: exponent from 10,000 words on", f"{exponent([p for p in points if p[0] >= 9_000]):.3f}", "1.03"
    line = ask("grow", str(folder_of(articles, "clean")), "16500000", " ")
    rate = f"{line['seconds']:.1f} s, {line['words'] / line['seconds']:,.0f} words/s, {line['after']:.0f} MB"
    yield f"one line of {line['mb']:.0f} MB", rate, ""


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Slope of log time over log size."""
    if len(points) < 2:
        return math.nan
    return statistics.linear_regression([math.log(x) for x, _ in points], [math.log(y) for _, y in points]).slope


def peers(articles: Path) -> Iterator[Row]:
    for name in PEERS:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, "not installed", ""
            continue
        yield f"{name} {version}", f"{ask('peer', name, str(folder_of(articles, 'clean')))['rate']:,.0f} words/s", ""


def stages(articles: Path) -> Iterator[Row]:
    for kind in ("spun", "clean"):
        for name, spent in ask("profile", str(folder_of(articles, kind))).items():
            inner = "... " if name in (*STAGES["document"], *STAGES["rerank"]) else ""
            yield f"{kind}: {inner}`{name}`", f"{spent:.2f} µs a word", ""


def machine() -> str:
    cpu = next((line.split(":")[1].strip() for line in cpu_lines() if line.startswith("model name")), platform.processor())
    versions = f"Python {platform.python_version()}, restore {run_version()}"
    busy = f"load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else "load unknown"
    return f"{datetime.now(UTC):%Y-%m-%d}, {cpu}, {os.cpu_count()} cores, {platform.system()}, {versions}, {busy}"


def cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def run_version() -> str:
    call = [sys.executable, "-m", "restore", "--version", "-v"]
    shown = subprocess.run(call, env=environment(), capture_output=True, text=True, check=True).stdout
    return ", ".join(line.removeprefix("restore ") for line in shown.splitlines())


def table(title: str, rows: Iterator[Row]) -> Iterator[str]:
    yield f"\n## {title}\n\n| | measured | asked for |\n|---|---|---|\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--articles", type=Path, default=ROOT.parent / "shared" / "bench", help="with press/spun and clean")
    parser.add_argument("--words", type=int, default=10**6, help="length of the longest clean text; spun ones have a tenth")
    parser.add_argument("--folder", type=int, default=2000, help="files of the folder")
    parser.add_argument("-o", "--output", type=Path, help="the table; standard output if left out")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        found = globals()[args.measure[0]](*args.measure[1:])
        sys.stdout.write(json.dumps(found) + "\n")
        return
    sections = {
        "Cold start": starts(),
        "One core, library call": rates(args.articles),
        "Peers, same articles (clean)": peers(args.articles),
        "A folder, command line": folders(args.articles, args.folder),
        "Memory": memory(args.articles),
        "Growth": growth(args.articles, args.words),
        "Where the time goes": stages(args.articles),
    }
    with args.output.open("w", encoding="utf-8") if args.output else contextlib.nullcontext(sys.stdout) as out:
        out.write(f"# Speed\n\n{machine()}\n")
        for title, rows in sections.items():
            for line in table(title, rows):
                out.write(line)
                out.flush()


if __name__ == "__main__":
    main()

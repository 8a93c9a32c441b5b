"""What a collection costs: words a second and core, start, memory and bytes, and from these times and prices for large ones.

    python tests/bench/corpus.py FOLDER [--documents N] [--words N] [--shards N] [--format F] [--ray]

Makes N documents (default 20,000) of some 40 words in 64 shards in FOLDER/in, which must not exist: sentences of a small
grammar of news, one document in five spun with the shipped press dictionary, all with a fixed seed. Then measures ``restore
corpus`` with one process by processor time, and prints a table. With --ray (Ray and psutil have to be installed) the same on a
cluster of three node processes of one core each, then again with one killed half-way: the shards have to be the same, and the
seconds of processor time are compared. Exits with 1 if they are not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from folder import SEED, SPUN, sentence, spin, words

ROOT = Path(__file__).parents[2]
POOL = 20_000
PRICE = 0.04
"""Dollars a core and hour: about what clouds ask for a machine on demand."""
LINK = 1.25e9
"""Bytes a second that a network of 10 gigabits carries."""
SIZES = ((10**6, 1), (10**9, 16), (10**12, 1000))
"""Words, and workers."""

STARTER = """
import resource, sys
from restore.cli import execute
code = execute(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
sys.exit(code)
"""


# -- documents -----------------------------------------------------------------------------------------------------------


def documents(number: int, least: int) -> Iterator[dict[str, str]]:
    luck = random.Random(SEED)
    pool = [sentence(luck) for _ in range(POOL)]
    for at in range(number):
        sentences: list[str] = []
        while sum(map(words, sentences)) < least:
            sentences.append(luck.choice(pool))
        text = " ".join(sentences)
        yield {"id": f"doc-{at:07}", "text": spin(text, luck) if at % SPUN == 0 else text, "source": f"site{at % 97}"}


def make(folder: Path, number: int, least: int, shards: int, form: str) -> int:
    """Write the shards; gives the number of words."""
    folder.mkdir(parents=True)
    rows, total = documents(number, least), 0
    for shard in range(shards):
        some = [row for _, row in zip(range(number // shards + (shard < number % shards)), rows, strict=False)]
        total += sum(words(row["text"]) for row in some)
        write(folder / f"part-{shard:05}.{form}", some)
    return total


def write(path: Path, rows: list[dict[str, str]]) -> None:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd", row_group_size=8192)
        return
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if path.suffix == ".zst":
        import zstandard

        data = zstandard.compress(data, 3)
    path.write_bytes(data)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("part-*"))


# -- one machine ---------------------------------------------------------------------------------------------------------


class Run(NamedTuple):
    """Processor time in seconds and peak memory in MB."""

    seconds: float
    memory: float


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def restore(*args: object) -> Run:
    done = subprocess.run(
        [sys.executable, "-c", STARTER, "corpus", *map(str, args), "-q", "-j", "1"],
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=7200,
    )
    return Run(*map(float, done.stdout.split()))


def table(run: Run, start: float, total: int, read: int, written: int) -> str:
    rate = total / (run.seconds - start)
    flow = rate * (read + written) / total
    lines = [
        f"{rate:,.0f} words a second and core; a worker starts in {start:.2f} s and takes {run.memory:.0f} MB at most; "
        f"{read / total:.2f} bytes a word are read and {written / total:.2f} written",
        "",
        "| words | workers | time | core hours | cost |",
        "|--:|--:|--:|--:|--:|",
    ]
    for number, workers in SIZES:
        seconds = number / rate / workers + start
        hours = seconds * workers / 3600
        lines.append(f"| {number:.0e} | {workers:,} | {span(seconds)} | {hours:,.2f} | ${hours * PRICE:,.4f} |")
    lines += ["", f"A 10 Gbit/s link is full with {LINK / flow:,.0f} workers."]
    return "\n".join(lines)


def span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


# -- a cluster -----------------------------------------------------------------------------------------------------------


class Meter:
    """Processor time of all processes below this one, those that have ended as they were last seen."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, float], float] = {}

    def read(self) -> float:
        import psutil

        for process in psutil.Process().children(recursive=True):
            try:
                times = process.cpu_times()
                self._seen[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:  # it has ended meanwhile
                continue
        return sum(self._seen.values())


def on_a_cluster(source: Path, target: Path, shards: int, kill: bool) -> tuple[float, float]:
    """Seconds by the clock and of the processors, without those for starting the cluster; ``kill``: a node half-way."""
    from ray.cluster_utils import Cluster

    os.environ.update(environment())
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    meter, begun = Meter(), time.perf_counter()
    before = meter.read()
    args = ["corpus", str(source), "-o", str(target), "--engine", "ray", "--address", cluster.address]
    job = subprocess.Popen([sys.executable, "-m", "restore", *args])
    while job.poll() is None:
        meter.read()
        if kill and len(list(target.glob("_restored/*"))) >= shards // 2:
            cluster.remove_node(sorted(cluster.worker_nodes, key=str)[0], allow_graceful=False)
            kill = False
        time.sleep(0.2)
    spent = time.perf_counter() - begun, meter.read() - before
    cluster.shutdown()
    assert job.returncode == 0 and not kill
    return spent


def same(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.glob("part-*"))
    return names == sorted(path.name for path in other.glob("part-*")) and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=40)
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--format", choices=["jsonl", "jsonl.zst", "parquet"], default="jsonl.zst")
    parser.add_argument("--ray", action="store_true")
    chosen = parser.parse_args()
    folder = chosen.folder
    total = make(folder / "in", chosen.documents, chosen.words, chosen.shards, chosen.format)
    make(folder / "one", 1, chosen.words, 1, chosen.format)
    start = restore(folder / "one", "-o", folder / "started").seconds
    run = restore(folder / "in", "-o", folder / "local")
    out = sys.stdout.write
    out(f"{chosen.documents:,} documents of {total / chosen.documents:.0f} words as {chosen.format}\n")
    out(table(run, start, total, size(folder / "in"), size(folder / "local")) + "\n")
    for kill in (False, True) if chosen.ray else ():
        target = folder / ("lost" if kill else "ray")
        clock, seconds = on_a_cluster(folder / "in", target, chosen.shards, kill)
        alike = same(folder / "local", target)
        out(
            f"three Ray nodes{', one killed' if kill else ''}: {seconds:.0f} s of processor time, {clock:.0f} s by the clock, "
            f"against {run.seconds:.0f} s locally: {run.seconds / seconds:.0%}; shards {'the same' if alike else 'DIFFER'}\n"
        )
        if not alike:
            sys.exit(1)


if __name__ == "__main__":
    main()

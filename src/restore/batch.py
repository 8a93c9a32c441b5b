"""Many documents, in worker processes or not: results in input order, and one bad file never stops the rest."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Protocol

from . import files, writing
from .config import Config
from .encoding import Decoded
from .errors import RestoreError
from .formats import open_text
from .result import Restoration
from .text import Span

_AHEAD = 4
"""Jobs given out a worker: enough to keep all busy, few enough for memory not to grow with the number of files."""
_WORTH = 4
"""Files that pay for one more worker: where forking works it is there in the time of one article, else in that of eight."""
_NOTHING = Decoded("")


class Restores(Protocol):
    """What a batch needs of a ``Restorer``."""

    def restore(self, text: str, protected: Sequence[Span] = ()) -> Restoration:
        """Restore one text."""


Maker = Callable[[Config], Restores]


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its result is to be written, if anywhere."""

    source: files.Source
    target: Path | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: a restoration with the encoding to write it in, or an error."""

    source: files.Source
    restoration: Restoration | None = None
    decoded: Decoded = _NOTHING
    error: str | None = None
    digest: str = ""
    """Of the bytes that were read."""

    @property
    def data(self) -> bytes:
        """The restored file.

        Raises:
            RestoreError: the encoding of the input has no such character.
        """
        return b"" if self.restoration is None else self.decoded.encode(self.restoration.text)

    def checked(self, old: bytes) -> bytes:
        """The restored file, when nothing but the changes differs from ``old``, the file as it was read.

        Raises:
            RestoreError: something else does, or the encoding has no such character.
        """
        new = self.data
        applied = self.restoration.applied if self.restoration is not None else ()
        self.decoded.check(old, new, ((change.start, change.end, change.after) for change in applied))
        return new


@dataclass(slots=True)
class BatchReport:
    """Counts of a run; owns the exit code."""

    documents: int = 0
    failed: int = 0
    changed: int = 0
    changes: int = 0
    declined: int = 0
    words: int = 0
    check: bool = False

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.documents += 1
        result = outcome.restoration
        if result is None or outcome.error is not None:
            self.failed += 1
            return
        applied = len(result.applied)
        self.changed += applied > 0
        self.changes += applied
        self.declined += len(result.changes) - applied
        self.words += result.words

    @property
    def exit_code(self) -> int:
        """0 done; 1 something would change and that was the question; 3 some file failed."""
        return 3 if self.failed else int(self.check and self.changed > 0)


def make_restorer(config: Config, **options: Any) -> Restores:
    """The engine; imported here so that nothing is loaded before it is needed."""
    from .engine import Restorer

    restorer: Restores = Restorer(config, **options)
    return restorer


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(jobs: int, wanted: int = 0) -> int:
    """How many processes to use; ``wanted`` 0 means one per core, as far as there is work for them."""
    if wanted > 0:
        return max(1, min(wanted, jobs))
    return max(1, min(cores(), jobs // _WORTH))


def run(jobs: Sequence[Job], config: Config, workers: int = 1, make: Maker = make_restorer) -> Iterator[Outcome]:
    """Do the jobs; outcomes come in the order of the jobs, each as soon as it can.

    The restorer is made, and workers are started, before this returns: call it before starting threads (a progress bar),
    for then the workers can share what the restorer has loaded.

    Raises:
        RestoreError: the restorer cannot be made (a broken dictionary or model): nothing was done.
    """
    restorer = make(config)
    if workers > 1 and all(job.source.path is not None for job in jobs):  # workers have no standard input
        return _run_parallel(jobs, _Crew(restorer, config, workers, make), workers * _AHEAD)
    return (perform(job, restorer) for job in jobs)


def perform(job: Job, restorer: Restores) -> Outcome:
    """Read, restore and, if there is a target, write one document; what goes wrong becomes the outcome's error."""
    try:
        data = files.read(job.source)
        decoded, protected = open_text(job.source.named, data)
        outcome = Outcome(job.source, restorer.restore(decoded.text, protected), decoded, digest=writing.digest(data))
        if job.target is not None:
            writing.write_output(job.target, outcome.checked(data), job.force)
    except RestoreError as error:
        return Outcome(job.source, error=str(error))
    except Exception as error:  # a defect on one document must not cost the others
        return Outcome(job.source, error=f"internal error, please report it: {type(error).__name__}: {error}")
    return outcome


def _run_parallel(jobs: Sequence[Job], crew: _Crew, ahead: int) -> Iterator[Outcome]:
    """Keep a window of jobs with the workers."""
    waiting: deque[tuple[Job, Future[Outcome]]] = deque()
    todo = iter(jobs)
    try:
        while True:
            while len(waiting) < ahead and (job := next(todo, None)) is not None:
                waiting.append((job, crew.submit(job)))
            if not waiting:
                return
            yield crew.result(*waiting.popleft())
    finally:
        crew.dismiss(unfinished=bool(waiting))


class _Crew:
    """Worker processes; when one dies, the jobs given out are tried again, each in a process of its own."""

    def __init__(self, restorer: Restores, config: Config, workers: int, make: Maker) -> None:
        self._config, self._workers, self._make = config, workers, make
        self._pool = _forked(restorer, workers) or self._fresh(workers)

    def submit(self, job: Job) -> Future[Outcome]:
        """Give out a job; a pool with a dead worker takes none any more and is replaced."""
        try:
            return self._pool.submit(_work, job)
        except BrokenProcessPool:
            self._pool = self._fresh(self._workers)
            return self._pool.submit(_work, job)

    def result(self, job: Job, future: Future[Outcome]) -> Outcome:
        """Wait for an outcome. Of the jobs lost with a worker only the guilty one is lost for good."""
        try:
            return future.result()
        except BrokenProcessPool:
            pass
        with self._fresh(1) as pool:
            try:
                return pool.submit(_work, job).result()
            except BrokenProcessPool:
                return Outcome(job.source, error="the worker process died on it, perhaps for want of memory")

    def dismiss(self, unfinished: bool) -> None:
        """Start nothing more; when interrupted, nobody waits for what is unfinished, and a write half done is taken back."""
        workers = list((self._pool._processes or {}).values())  # ProcessPoolExecutor.terminate_workers from Python 3.14 on
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers if unfinished else ():
            worker.terminate()

    def _fresh(self, workers: int) -> ProcessPoolExecutor:
        """Processes that load for themselves: forking is not safe once there are threads, nor on every system."""
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        return ProcessPoolExecutor(workers, context, _start_worker, (self._config, self._make))


def _forked(restorer: Restores, workers: int) -> ProcessPoolExecutor | None:
    """Processes that share the memory of ``restorer`` and are there at once; ``None`` where that is not safe."""
    if not sys.platform.startswith("linux") or threading.active_count() > 1:
        return None
    global _restorer
    _restorer = restorer
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _mind_parent)
    pool.submit(int).result()  # forks all workers now
    return pool


_restorer: Restores | None = None
"""The worker's own: inherited, or made once."""


def _start_worker(config: Config, make: Maker) -> None:
    global _restorer
    _mind_parent()
    _restorer = make(config)


def _mind_parent() -> None:
    """Leave interrupts to the parent, and end when it does: killed, it cannot tell us, and we would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _work(job: Job) -> Outcome:
    assert _restorer is not None
    try:
        return perform(job, _restorer)
    except SystemExit:  # terminated, and cleared up; the parent must not take that for its own end
        os._exit(1)

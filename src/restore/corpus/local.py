"""The engine of one machine: worker processes take shards or, where there are fewer of these than workers, batches of rows."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TypeVar

from ..batch import _mind_parent as mind_parent
from ..batch import cores
from ..config import Config
from ..rows import Bad, Restores, restore_texts, restorer_for
from .formats import Batch
from .shards import Job, Mapper, Outcome, Plan, Results, convert

Item = TypeVar("Item")
Sent = TypeVar("Sent")
Result = TypeVar("Result")

_AHEAD = 4
"""Batches given out a worker: enough to keep all busy, few enough for memory not to grow with the shard."""
_DIED = "the worker process died on it, perhaps for want of memory"


def run(jobs: Sequence[Job], plan: Plan, workers: int = 0) -> Iterator[Outcome]:
    """Do the shards, in order; ``workers`` 0 means one a core. The processes are started before this returns.

    Raises:
        RestoreError: the restorer cannot be made: nothing was done.
    """
    restorer = restorer_for(plan.config)
    workers = workers or cores()
    if workers == 1 or any(job.source.startswith("memory://") for job in jobs):  # memory is not shared
        return (convert(job, plan, serially(restorer)) for job in jobs)
    crew = _Crew(plan.config, workers)
    return crew.dismissed_after(_by_shard(jobs, plan, crew) if len(jobs) >= workers else _by_batch(jobs, plan, crew))


def serially(restorer: Restores) -> Mapper:
    """Batches restored in this process."""
    return lambda batches: ((batch, restore_texts(restorer, batch.texts)) for batch in batches)


def _convert(plan: Plan, job: Job) -> Outcome:
    """In a worker: one shard."""
    return convert(job, plan, serially(restorer_for(plan.config)))


def _restore(config: Config, texts: list[object]) -> Results:
    """In a worker: one batch."""
    return restore_texts(restorer_for(config), texts)


def _by_shard(jobs: Sequence[Job], plan: Plan, crew: _Crew) -> Iterator[Outcome]:
    done = crew.map(partial(_convert, plan), ((job, job) for job in jobs), lambda job: Outcome(job, error=_DIED))
    return (outcome for _, outcome in done)


def _by_batch(jobs: Sequence[Job], plan: Plan, crew: _Crew) -> Iterator[Outcome]:
    def mapper(batches: Iterable[Batch]) -> Iterator[tuple[Batch, Results]]:
        work = partial(_restore, plan.config)
        return crew.map(work, ((batch, batch.texts) for batch in batches), lambda batch: [Bad(_DIED)] * len(batch.texts))

    return (convert(job, plan, mapper) for job in jobs)


class _Crew:
    """Worker processes; when one dies, what was given out is tried again, each in a process of its own."""

    def __init__(self, config: Config, workers: int) -> None:
        self._config, self._workers = config, workers
        forks = sys.platform.startswith("linux") and threading.active_count() == 1  # else forking is not safe
        self._pool = self._made(workers, "fork" if forks else None)
        self._pool.submit(int).result()  # starts those that are forked, which share what is loaded

    def _made(self, workers: int, method: str | None = None) -> ProcessPoolExecutor:
        others = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        return ProcessPoolExecutor(workers, multiprocessing.get_context(method or others), _start, (self._config,))

    def map(
        self, work: Callable[[Sent], Result], items: Iterable[tuple[Item, Sent]], lost: Callable[[Item], Result]
    ) -> Iterator[tuple[Item, Result]]:
        """Items with the results for what is sent of them, in order; ``lost`` gives that of one on which a worker dies."""
        waiting: deque[tuple[Item, Sent, Future[Result]]] = deque()
        todo = iter(items)
        while True:
            while len(waiting) < self._workers * _AHEAD and (item := next(todo, None)) is not None:
                waiting.append((*item, self._submit(work, item[1])))
            if not waiting:
                return
            item_, sent, future = waiting.popleft()
            yield item_, self._result(work, sent, future, partial(lost, item_))

    def _submit(self, work: Callable[[Sent], Result], sent: Sent) -> Future[Result]:
        """A pool with a dead worker takes nothing any more and is replaced."""
        try:
            return self._pool.submit(work, sent)
        except BrokenProcessPool:
            self._pool = self._made(self._workers)
            return self._pool.submit(work, sent)

    def _result(self, work: Callable[[Sent], Result], sent: Sent, future: Future[Result], lost: Callable[[], Result]) -> Result:
        try:
            return future.result()
        except BrokenProcessPool:
            pass
        with self._made(1) as pool:
            try:
                return pool.submit(work, sent).result()
            except BrokenProcessPool:
                return lost()

    def dismissed_after(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The outcomes; then, or when nobody wants the rest, the workers go, and what they have half written with them."""
        finished = False
        try:
            yield from outcomes
            finished = True
        finally:
            workers = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers if not finished else ():
                worker.terminate()


def _start(config: Config) -> None:
    mind_parent()
    restorer_for(config)

"""Worker processes: tasks go out, results come back in order, and when a process dies only what it died on is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

AHEAD = 4
"""Tasks given out a worker: enough to keep all busy, few enough for memory not to grow with what there is to do."""
DIED = "the worker process died on it, perhaps for want of memory"

Task = TypeVar("Task")
Sent = TypeVar("Sent")
Result = TypeVar("Result")
Work = Callable[[list[Sent]], list[Result]]
"""What a process does with a list of things; it has to travel to the process, so it is a function of a module."""


_FRESH = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""Processes that load for themselves: forking is not safe once there are threads, nor on every system."""


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """Processes, each of which calls ``start`` with ``arguments`` first.

    Where that is safe they are forked, now, and share what is loaded: make one before starting threads. ``start`` is to see
    whether there is anything left to load.
    """

    def __init__(self, workers: int, start: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._workers, self._start, self._arguments = workers, start, arguments
        forks = sys.platform.startswith("linux") and threading.active_count() == 1
        self._pool = self._made(workers, "fork" if forks else _FRESH)
        if forks:
            self._pool.submit(int).result()  # forks them all

    def map(
        self,
        work: Work[Sent, Result],
        tasks: Iterable[tuple[Task, list[Sent]]],
        lost: Callable[[Sent], Result],
        ahead: int = AHEAD,
        here: Callable[[list[Sent]], list[Result] | None] = lambda _: None,
    ) -> Iterator[tuple[Task, list[Result]]]:
        """Tasks with the results for what is sent of them, in order.

        ``lost``: the result for one thing that a process dies on. ``here``: what this process has to do itself, if anything.
        """
        waiting: deque[tuple[Task, list[Sent], Future[list[Result]]]] = deque()
        todo = iter(tasks)
        while True:
            while len(waiting) < self._workers * ahead and (task := next(todo, None)) is not None:
                waiting.append((*task, self._submit(work, task[1], here(task[1]))))
            if not waiting:
                return
            given, sent, future = waiting.popleft()
            yield given, self._results(work, sent, future, lost)

    def dismissed_after(self, results: Iterable[Result]) -> Iterator[Result]:
        """The results; then, or when nobody wants the rest, the processes go, and what they have half written with them."""
        finished = False
        try:
            yield from results
            finished = True
        finally:
            workers = list((self._pool._processes or {}).values())  # from Python 3.14 on terminate_workers does this
            self._pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers if not finished else ():
                worker.terminate()

    def _submit(self, work: Work[Sent, Result], sent: list[Sent], done: list[Result] | None) -> Future[list[Result]]:
        """A pool with a dead process takes nothing any more and is replaced."""
        if done is not None:
            future: Future[list[Result]] = Future()
            future.set_result(done)
            return future
        try:
            return self._pool.submit(_obey, work, sent)
        except BrokenProcessPool:
            self._pool = self._made(self._workers)
            return self._pool.submit(_obey, work, sent)

    def _results(
        self, work: Work[Sent, Result], sent: list[Sent], future: Future[list[Result]], lost: Callable[[Sent], Result]
    ) -> list[Result]:
        """Those of a task; of one that was given out when a process died, one by one."""
        try:
            return future.result()
        except BrokenProcessPool:
            pass
        results: list[Result] = []
        while len(results) < len(sent):
            with self._made(1) as pool:
                try:
                    while len(results) < len(sent):
                        results += pool.submit(_obey, work, sent[len(results) : len(results) + 1]).result()
                except BrokenProcessPool:
                    results.append(lost(sent[len(results)]))
        return results

    def _made(self, workers: int, method: str | None = None) -> ProcessPoolExecutor:
        context = multiprocessing.get_context(method or _FRESH)
        return ProcessPoolExecutor(workers, context, _begin, (self._start, self._arguments))


def _begin(start: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    """Leave interrupts to the parent, and end when it does: killed, it cannot tell us, and we would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    start(*arguments)


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _obey(work: Work[Sent, Result], sent: list[Sent]) -> list[Result]:
    try:
        return work(sent)
    except SystemExit:  # terminated, and cleared up; the parent must not take that for its own end
        os._exit(1)

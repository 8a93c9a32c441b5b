"""The engine of one machine: worker processes take shards or, where there are fewer of these than workers, batches of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from ..config import Config
from ..crew import DIED, Crew, cores
from ..rows import Bad, Restores, restore_texts, restorer_for
from .formats import Batch
from .shards import Job, Mapper, Outcome, Plan, Results, convert


def run(jobs: Sequence[Job], plan: Plan, workers: int = 0) -> Iterator[Outcome]:
    """Do the shards, in order; ``workers`` 0 means one a core. The processes are started before this returns.

    Raises:
        RestoreError: the restorer cannot be made: nothing was done.
    """
    restorer = restorer_for(plan.config)
    workers = workers or cores()
    if workers == 1 or any(job.source.startswith("memory://") for job in jobs):  # memory is not shared
        return (convert(job, plan, serially(restorer)) for job in jobs)
    crew = Crew(workers, restorer_for, (plan.config,))
    return crew.dismissed_after(_by_shard(jobs, plan, crew) if len(jobs) >= workers else _by_batch(jobs, plan, crew))


def serially(restorer: Restores) -> Mapper:
    """Batches restored in this process."""
    return lambda batches: ((batch, restore_texts(restorer, batch.texts)) for batch in batches)


def _convert(jobs: list[Job], plan: Plan) -> list[Outcome]:
    """In a worker: shards."""
    return [convert(job, plan, serially(restorer_for(plan.config))) for job in jobs]


def _restore(texts: list[object], config: Config) -> Results:
    """In a worker: one batch."""
    return restore_texts(restorer_for(config), texts)


def _by_shard(jobs: Sequence[Job], plan: Plan, crew: Crew) -> Iterator[Outcome]:
    done = crew.map(partial(_convert, plan=plan), ((job, [job]) for job in jobs), lambda job: Outcome(job, error=DIED))
    return (outcome for _, (outcome,) in done)


def _by_batch(jobs: Sequence[Job], plan: Plan, crew: Crew) -> Iterator[Outcome]:
    def mapper(batches: Iterable[Batch]) -> Iterator[tuple[Batch, Results]]:
        tasks = ((batch, list(batch.texts)) for batch in batches)
        return crew.map(partial(_restore, config=plan.config), tasks, lambda _: Bad(DIED))

    return (convert(job, plan, mapper) for job in jobs)

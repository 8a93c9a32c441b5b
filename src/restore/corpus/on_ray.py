"""The engine of a cluster: Ray Data spreads the shards over its nodes, in actors that load the restorer once.

A shard is the unit of work, as in the local engine and with the same function, so its bytes are the same. Ray repeats what was
lost with a node; a shard that this node had finished is known by its marker and not done again. All nodes have to reach inputs
and output: a shared folder, or an object store.
"""

from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import RestoreError
from ..reading import reason
from ..rows import restorer_for
from .local import serially
from .shards import Job, Outcome, Plan, convert

_PATIENCE = 10
"""Seconds in which the cluster has to answer."""


def run(jobs: Sequence[Job], plan: Plan, workers: int = 0, address: str | None = None) -> Iterator[Outcome]:
    """Do the shards on ``workers`` actors (0: as many as the cluster has cores, or shards), in the order they are finished.

    Raises:
        RestoreError: Ray is not installed, or the cluster is not there.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise RestoreError("--engine ray needs more packages: pip install 'restore-text[ray]'") from error
    _check_reachable(address)
    try:
        ray.init(address, ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RestoreError(f"no Ray cluster at {address}: {error}") from error
    ray.data.DataContext.get_current().enable_progress_bars = False  # ours is there
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    most = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(jobs))
    shards = ray.data.from_items([{"job": pickle.dumps(job)} for job in jobs], override_num_blocks=len(jobs))
    actors = ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, most))  # as many as there are, also when a node is lost
    done = shards.map_batches(
        _Shards, batch_size=1, batch_format="numpy", compute=actors, num_cpus=1, fn_constructor_args=(plan,)
    )
    return (pickle.loads(row["outcome"]) for row in done.iter_rows())


def _check_reachable(address: str | None) -> None:
    """Ray itself tries for minutes before it says that nobody is there."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError as error:
        raise RestoreError(f"no Ray cluster at {address}: {reason(error)}") from error


class _Shards:
    """In a worker: shards, one at a time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._mapper = serially(restorer_for(plan.config))

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """The outcomes of a batch of one."""
        return {"outcome": [pickle.dumps(convert(pickle.loads(job), self._plan, self._mapper)) for job in batch["job"]]}

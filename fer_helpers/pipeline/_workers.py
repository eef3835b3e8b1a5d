"""Who executes a sweep's notebooks: this process, processes beside it, or the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, util
from typing import Any

from fer_helpers.frames import cluster
from fer_helpers.params import Params
from fer_helpers.pipeline.run import carry_out, execute
from fer_helpers.runs import NOTEBOOKS, shared_kernel

_one_at_a_time = threading.Lock()  # papermill and its kernels change the process's folder and environment


@dataclass(frozen=True)
class Pool:
    """Where pieces of work are begun, `at_once` of them at most."""

    at_once: float
    submit: Callable[..., Future[int]]

    def begin(self, n: int, params: Params) -> Future[int]:
        """Execute the first `n` notebooks of a run; all of them make its report, too. Gives the requests sent."""
        return self.submit(carried_out, n, params)


def carried_out(n: int, params: Params) -> int:
    """The work itself, in whatever process."""
    with _one_at_a_time:
        if n < len(NOTEBOOKS):
            return carry_out(NOTEBOOKS[:n], params, _quiet)
        execute(params, _quiet)
        return 0


def _quiet(_: str) -> None:
    """What a run says of each notebook; a sweep says what becomes of cells."""


@contextmanager
def here(at_once: int) -> Iterator[Pool]:
    """Workers on this machine, each with a kernel that its notebooks share; `at_once` 0: one a core.

    They end with this process, however it ends.
    """
    at_once = at_once or len(
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    if at_once == 1:
        with shared_kernel():
            yield Pool(1, _done)
        return
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, spawned, initializer=_begin_worker) as pool:
        try:
            yield Pool(at_once, pool.submit)
        except BaseException:
            for child in multiprocessing.active_children():
                child.terminate()
            raise


def _done(work: Callable[..., int], *arguments: Any) -> Future[int]:
    """`work` done in this process, as a future."""
    future: Future[int] = Future()
    try:
        future.set_result(work(*arguments))
    except Exception as error:
        future.set_exception(error)
    return future


def _begin_worker() -> None:
    stack = ExitStack()
    stack.enter_context(shared_kernel())
    util.Finalize(None, stack.close, exitpriority=1)
    threading.Thread(target=_end_with_parent, args=(stack,), daemon=True).start()


def _end_with_parent(stack: ExitStack) -> None:
    """A pool's worker would wait for ever for what a killed parent sends next."""
    parent = multiprocessing.parent_process()
    connection.wait([parent.sentinel] if parent else [])
    with suppress(Exception):  # its kernel is to keep the replies under way, and its temporary folder to go
        stack.close()
    os._exit(1)


@contextmanager
def there(dask_scheduler: str) -> Iterator[Pool | None]:
    """The workers of a Dask cluster, which see the project and its outputs at the same place; None without one.

    What a lost worker had begun is begun again by another.
    """
    if not dask_scheduler:
        yield None
        return
    with cluster(dask_scheduler) as client, client.get_executor(pure=False) as pool:
        yield Pool(float("inf"), pool.submit)

"""The cells of a sweep as runs: what they have in common is done once, and several go on at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait

import pandas as pd
import yaml

from fer_helpers import corpora
from fer_helpers.annotation import access
from fer_helpers.errors import AccountError, BudgetError, FerError, RunError, one_line
from fer_helpers.files import write_whole
from fer_helpers.paths import resolve, shown
from fer_helpers.pipeline import _workers, steps, sweep_plan
from fer_helpers.pipeline.run import check_outside
from fer_helpers.runs import NOTEBOOKS, SWEEP_COMPARISON, declared, folder_of, hold, read_manifest, sweeps

FRAMES, ASKED = 2, 3  # notebooks up to the key frames, and up to the answers


def execute_sweep(
    found: sweeps.Sweep, say: Callable[[str], None] = print, only_plan: bool = False, at_once: int = 0
) -> pd.DataFrame:
    """Run the cells of a sweep and compare them; returns its table, as `sweeps.read` gives it.

    Called again it goes on where it was; only what is not answered yet is asked.

    Args:
        found: what the sweep's file says.
        only_plan: extract frames, say what would be asked, and stop.
        at_once: cells that are worked on at once on this machine; 0: one a core.

    Raises:
        FerError: bad input, before anything is sent; or some cells are not done: their rows say why.
    """
    folder = folder_of(found.out)
    if "corpus" in read_manifest(folder).get("params", {}):
        raise RunError(f"{shown(folder)} is a run's folder: give the sweep one of its own with --out")
    _look_ahead(found.cells, say)
    scheduler = found.cells[0].params.dask_scheduler
    with hold(folder), _workers.here(at_once) as here, _workers.there(scheduler) as there:
        work = _Work(found, say, here, there)
        work.go_on(list(found.cells), (1, FRAMES))
        requests, assumed = _plan(work, say)
        if only_plan:
            return sweeps.read(folder)
        if assumed:  # what servers can do is part of the requests' keys
            work.learn()
            requests = sweep_plan.requests(work.left)[0] if work.left else {}
        sweeps.note_requests(requests.values(), folder)
        work.go_on(work.left, (ASKED, len(found.notebooks)))
        say(f"requests sent: {work.sent}")
        if sum(state == sweeps.DONE for state, _ in work.states.values()) > 1:
            say(SWEEP_COMPARISON)
            (folder / "notebooks").mkdir(exist_ok=True)
            steps.run_notebook(SWEEP_COMPARISON, {**declared(SWEEP_COMPARISON), "sweep_folder": found.out}, folder)
    work.check()
    return sweeps.read(folder)


def _look_ahead(cells: Sequence[sweeps.Cell], say: Callable[[str], None]) -> None:
    """See that what the cells need is there, before anything is written; the demo's clips are rendered.

    Raises:
        FerError: it is not.
    """
    sweep_plan.check_prices(cells)
    asked = {(cell.params.base_url, cell.params.model, cell.params.api_key_env): cell.params for cell in cells}
    found = [access.check(params, corpora.CORPORA[params.corpus].allow_upload) for params in asked.values()]
    for notice in dict.fromkeys(notice for notices in found for notice in notices):
        say(notice)
    for cell in cells:
        check_outside(cell.params)
    for group in sweeps.alike(cells, 1):
        corpora.prepare(group[0].params)


def _plan(work: _Work, say: Callable[[str], None]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Say and note what the cells that have frames would ask; gives that, as `sweep_plan.requests` does."""
    if not work.left:
        work.check()
    requests, assumed = sweep_plan.requests(work.left)
    for server in assumed:
        say(f"What {server} can do is not known yet: the plan assumes a schema and log-probabilities.")
    plan = sweep_plan.table(work.left, requests)
    say(plan.round({"US$": 4, "minutes": 1}).to_string(na_rep="unknown"))
    if cap := work.left[0].params.max_cost_usd:
        say(f"cap on the whole sweep, with what its requests were billed before: US$ {cap}")
    sweeps.write_plan(work.sweep, plan, work.folder)
    return requests, assumed


class _Work:
    """Which cells are where. Cells that agree so far are one piece of work, done in the folder of the first of them.

    A piece that asks a server begins when no other asks, for they would compete for it and for what the cap leaves;
    the embedded endpoint is each kernel's own.
    """

    def __init__(
        self, sweep: sweeps.Sweep, say: Callable[[str], None], here: _workers.Pool, there: _workers.Pool | None
    ) -> None:
        self.sweep, self.folder, self.sent = sweep, resolve(sweep.out), 0
        self.states = sweeps.states(sweep, self.folder)
        self._say, self._here, self._there = say, here, there
        self._stopped: dict[tuple[str, str], AccountError] = {}
        self._over: BudgetError | None = None
        self._lost, self._ended = set[str](), set[str]()
        self._waiting: list[tuple[list[sweeps.Cell], tuple[int, ...]]] = []
        self._running: dict[Future[int], tuple[list[sweeps.Cell], tuple[int, ...]]] = {}
        for cell in sweep.cells:
            params = yaml.safe_dump(cell.params.model_dump(), sort_keys=False, allow_unicode=True)
            write_whole(self.folder / cell.name / "params.yaml", params)
        sweeps.write(sweep, self.states, self.folder)

    @property
    def left(self) -> list[sweeps.Cell]:
        """The cells that nothing has gone wrong with."""
        return [cell for cell in self.sweep.cells if cell.name not in self._lost]

    def go_on(self, cells: Sequence[sweeps.Cell], stages: tuple[int, ...]) -> None:
        """Execute so many of the first notebooks in all `cells`, stage after stage."""
        self._begin(cells, stages)
        while self._waiting or self._running:
            for piece in [piece for piece in self._waiting if self._may_begin(*piece)]:
                if self._may_begin(*piece):  # still, after those before it
                    self._waiting.remove(piece)
                    pool = self._pool(piece[1][0])
                    self._running[pool.begin(piece[1][0], piece[0][0].params)] = piece
            for future in wait(self._running, return_when=FIRST_COMPLETED).done:
                self._finish(*self._running.pop(future), future)

    def learn(self) -> None:
        """Find out what the servers can do, where that is not known."""
        for group in sweeps.alike(self.left, ASKED):
            if _address(group[0]) in self._stopped:
                self._fail(group, (ASKED,), self._stopped[_address(group[0])])
                continue
            try:
                sweep_plan.learn(group[0])
            except FerError as error:
                self._fail(group, (ASKED,), error)

    def _begin(self, cells: Sequence[sweeps.Cell], stages: tuple[int, ...]) -> None:
        # What notebook 04 reads may lie in one cell's folder alone: marks, imported predictions.
        groups = sweeps.alike(cells, stages[0]) if stages[0] <= ASKED else [[cell] for cell in cells]
        self._waiting += [(group, stages) for group in groups]

    def _pool(self, n: int) -> _workers.Pool:
        """Notebooks 01 to 03 are executed here: 02 spreads its own work over a cluster, and the archive is here."""
        return self._here if n <= ASKED else self._there or self._here

    def _may_begin(self, group: list[sweeps.Cell], stages: tuple[int, ...]) -> bool:
        pool, asking = self._pool(stages[0]), _asks(group, stages)
        busy = [piece for piece in self._running.values() if self._pool(piece[1][0]) is pool]
        return len(busy) < pool.at_once and not (asking and any(_asks(*piece) for piece in self._running.values()))

    def _finish(self, group: list[sweeps.Cell], stages: tuple[int, ...], future: Future[int]) -> None:
        error = future.exception()
        if error is not None:
            self._fail(group, stages, error)
            return
        self.sent += future.result()
        first, *others = group
        ready = [first]
        for cell in others:
            try:
                with hold(resolve(cell.params.out)):
                    handed = steps.hand_on(NOTEBOOKS[: stages[0]], first.params, cell.params)
            except (FerError, OSError) as problem:
                self._fail([cell], stages, problem)
                continue
            if handed:
                ready.append(cell)
            else:
                self._waiting.append(([cell], stages))
        if len(stages) > 1:
            self._begin(ready, stages[1:])
        elif stages[0] > ASKED:
            self._note(ready, sweeps.DONE, "")

    def _fail(self, group: list[sweeps.Cell], stages: tuple[int, ...], error: BaseException) -> None:
        """Note what went wrong, for all cells it is true of."""
        if isinstance(error, BrokenExecutor):
            raise RunError("a process was killed, perhaps for want of memory: run again with a smaller --at-once")
        if not isinstance(error, Exception):  # Ctrl-C
            raise error
        state = sweeps.FAILED
        said = str(error) if isinstance(error, FerError) else f"{type(error).__name__}: {one_line(error)}"
        if isinstance(error, BudgetError):  # cells whose answers are all there cost nothing, and go on
            state, self._over = sweeps.NOT_RUN, error
        elif isinstance(error, AccountError):
            state, self._stopped[_address(group[0])] = sweeps.NOT_RUN, error
            for piece in [piece for piece in self._waiting if _asks(*piece) and _address(piece[0][0]) in self._stopped]:
                self._waiting.remove(piece)
                group = group + piece[0]
        self._note(group, state, said)
        self._lost |= {cell.name for cell in group}

    def _note(self, cells: Sequence[sweeps.Cell], state: str, reason: str) -> None:
        self.states |= {cell.name: (state, reason) for cell in cells}
        sweeps.write(self.sweep, self.states, self.folder)
        ended = (
            sum(state == sweeps.DONE for state, _ in self.states.values()) if state == sweeps.DONE else len(self._lost)
        )
        for cell in cells:
            self._say(f"[{ended}/{len(self.sweep.cells)}] {cell.name}: {state}{reason and f': {reason}'}")

    def check(self) -> None:
        """See that every cell is done.

        Raises:
            FerError: what ended more than a cell, or how many are not done.
        """
        for error in (*self._stopped.values(), self._over):
            if error:
                raise error
        if self._lost:
            raise RunError(
                f"{len(self._lost)} of {len(self.sweep.cells)} cells are not done; the reasons are in "
                f"{shown(self.folder / sweeps.TABLE)}; run again to resume"
            )


def _address(cell: sweeps.Cell) -> tuple[str, str]:
    return cell.params.base_url, cell.params.api_key_env


def _asks(group: list[sweeps.Cell], stages: tuple[int, ...]) -> bool:
    """Whether a piece of work sends requests to a server that others would wait for."""
    return stages[0] == ASKED and group[0].params.base_url not in (access.EMBEDDED, access.REPLAY)

"""Runs batches of cases, and checks logs, processes and health after each batch."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tests.fuzz.cases import Call, Case, Decoding, Exchange, Writes
from tests.fuzz.monitor import CONTAINER_MB, HEALTH_S, LogTail, ProcessMonitor, failures_in
from tests.fuzz.oracle import Documents, faults_of, label_of
from tests.fuzz.probes import Probes
from tests.fuzz.redis_cases import KEPT
from tests.fuzz.report import Fault, Report, ServiceUsage
from tests.fuzz.sender import (
    MAX_WAIT_S,
    Connection,
    Outcome,
    Sender,
    decode,
    disconnect,
    received_until_closed,
)
from tests.fuzz.stack import Processes, Usage
from tests.fuzz.targets import Schedule, Target

MAX_RESTARTS = 5
MAX_ATTRIBUTIONS = 12
"""How often the cases of a batch are sent again one by one to find the cause of a fault in a log."""

_IDLE_CPU = 0.3
"""CPU cores that an idle service may use: a live session lasts a few seconds after a request."""

_HEAVY = "heavy"
_HELD_SHARE = 0.85
"""Share of a run after which no more connections are held, so that it ends without waiting for them."""


@dataclass(frozen=True)
class Bounds:
    """Limits on resources.

    Attributes:
        memory_mb: Growth of a process and its children from the warm-up to the end.
        descriptors: Growth of the number of open descriptors.
        log_bytes: Log of a service for each case of a batch, in addition to ``log_burst_bytes`` for the batch.
        log_burst_bytes: See ``log_bytes``.
        run_log_bytes_per_case: Log of a service for each case of a run, in addition to ``run_log_bytes``.
        run_log_bytes: See ``run_log_bytes_per_case``.
        heavy_cpu_s: CPU time of a service for one heavy case.
        heavy_mb: Memory growth of a service during one heavy case.
        held_s: How long a service may keep an idle connection open.
        settle_s: How long services may take at the end to free memory and descriptors.
        held: Number of idle connections that are observed at the same time.
    """

    memory_mb: float = 150.0
    descriptors: int = 40
    log_bytes: int = 100
    log_burst_bytes: int = 8192
    run_log_bytes_per_case: int = 10
    run_log_bytes: int = 65536
    heavy_cpu_s: float = 5.0
    heavy_mb: float = 400.0
    held_s: float = 30.0
    settle_s: int = 20
    held: int = 48


class _Prefetcher:
    """Generates the next batch of cases in a thread while the current one is sent."""

    def __init__(self, schedule: Schedule, cases: int | None) -> None:
        self._schedule = schedule
        self._left = cases
        self._task = asyncio.create_task(self._generate())

    async def next(self) -> tuple[str, list[Case]]:
        """Return the next batch; it is empty once the requested number of cases is reached."""
        name, batch = await self._task
        if self._left is not None:
            self._left -= len(batch)
        self._task = asyncio.create_task(self._generate())
        return name, batch

    async def _generate(self) -> tuple[str, list[Case]]:
        limit = 1000 if self._left is None else self._left
        return await asyncio.to_thread(self._schedule.next_batch, limit)

    async def close(self) -> None:
        """Wait for the batch in progress and discard it."""
        await asyncio.gather(self._task, return_exceptions=True)


class Runner:
    """A run against running services."""

    def __init__(
        self,
        stack: Processes,
        monitor: ProcessMonitor,
        report: Report,
        documents: Documents,
        bounds: Bounds,
        probes: Probes | None = None,
    ) -> None:
        self._stack = stack
        self._watch = monitor
        self._report = report
        self._documents = documents
        self._bounds = bounds
        self._probes = probes or Probes()
        self._logs = {name: LogTail(stack.log_of(name)) for name in stack.names()}
        self._logged = dict.fromkeys(stack.names(), 0)
        self._baseline: dict[str, Usage] = {}
        self._peaks: dict[str, float] = {}
        self._held: set[asyncio.Task[None]] = set()
        self._restarts = 0
        self._attributions = 0
        self._may_hold = True
        self._previous: tuple[Case, ...] = ()

    async def fuzz(self, schedule: Schedule, chosen: Mapping[str, Target], cases: int | None, until_s: float) -> None:
        """Send cases until their number or the time (by ``time.monotonic``) is reached."""
        started = time.monotonic()
        await self._open()
        prefetcher = _Prefetcher(schedule, cases)
        try:
            while time.monotonic() < until_s and (cases is None or self._report.cases < cases):
                share = (time.monotonic() - started) / (until_s - started)
                share = max(share, self._report.cases / cases if cases else 0.0)
                if share > 0.2 and not self._baseline:
                    self._baseline = self._usage()
                self._may_hold = share < _HELD_SHARE
                name, batch = await prefetcher.next()
                if batch:
                    await self.run_batch(name, batch, chosen[name].parallel)
                if self._restarts > MAX_RESTARTS:
                    self._report.add(Fault("services", "too many restarts"))
                    return
            await self._finish()
        finally:
            await prefetcher.close()
            await self._close()

    async def replay(self, cases: Sequence[Case]) -> None:
        """Send these cases one by one."""
        await self._open()
        self._baseline = self._usage()
        try:
            for case in cases:
                await self.run_batch(case.target, [case], 1)
            await self._finish()
        finally:
            await self._close()

    async def replay_together(self, cases: Sequence[Case]) -> None:
        """Send these cases concurrently."""
        await self._open()
        try:
            await self.run_batch(cases[0].target, cases, len(cases))
            await self._finish()
        finally:
            await self._close()

    async def run_batch(self, name: str, batch: Sequence[Case], parallel: int) -> None:
        """Send cases concurrently, then check logs, processes and health, and send a valid request."""
        started = time.monotonic()
        before = self._usage() if name == _HEAVY else {}
        self._update_peaks()
        slots = asyncio.Semaphore(parallel)
        await asyncio.gather(*(self._run(case, slots) for case in batch))
        if before:
            await self._check_cost(batch, before)
        await self._check_services(name, batch)
        if any(isinstance(case.action, Writes) for case in batch):
            await self._sender.delete_cameras(KEPT)
        self._report.row(batch[0].target).seconds += time.monotonic() - started

    async def _run(self, case: Case, slots: asyncio.Semaphore) -> None:
        async with slots:
            outcome, connection = await self._outcome(case)
        self._add_faults(case, outcome)
        row = self._report.row(case.target)
        row.cases += 1
        row.labels[label_of(case.action, outcome)] += 1
        if connection is None:
            return
        if self._may_hold and len(self._held) < self._bounds.held and isinstance(case.action, Exchange):
            task = asyncio.create_task(self._hold(case, case.action, outcome, connection))
            self._held.add(task)
            task.add_done_callback(self._held.discard)
        else:
            await disconnect(connection)

    async def _outcome(self, case: Case) -> tuple[Outcome, Connection | None]:
        match case.action:
            case Exchange():
                return await self._sender.exchange(case.action)
            case Call():
                return await self._sender.call(case.action), None
            case Writes():
                return await self._sender.write(case.action), None
            case Decoding():
                return decode(case.action), None

    def _add_faults(self, case: Case, outcome: Outcome) -> None:
        for text in faults_of(case.action, outcome, self._documents):
            self._report.add(Fault(case.target, text, (case,)))

    async def _hold(self, case: Case, action: Exchange, outcome: Outcome, connection: Connection) -> None:
        """Keep a connection idle, and check that the service closes it."""
        try:
            rest = await received_until_closed(connection, self._bounds.held_s)
            if rest is None and action.service != "serving-grpc":
                self._report.add(Fault(case.target, f"the connection is open after {self._bounds.held_s:g} s", (case,)))
            elif rest:
                self._add_faults(case, Outcome(outcome.received + rest, "closed"))
        finally:
            await disconnect(connection)

    async def _check_cost(self, batch: Sequence[Case], before: Mapping[str, Usage]) -> None:
        """Wait until the services are idle, and check their CPU time and memory."""
        await self._wait_until_idle()
        peaks = self._watch.take_peaks()
        for service, after in self._usage().items():
            cpu_s = after.cpu_s - before[service].cpu_s
            grown_mb = max(peaks.get(service, 0.0), after.resident_mb) - before[service].resident_mb
            if cpu_s > self._bounds.heavy_cpu_s:
                self._report.add(Fault(_HEAVY, f"{service} used {cpu_s:.1f} s of CPU time", tuple(batch)))
            if grown_mb > self._bounds.heavy_mb:
                self._report.add(Fault(_HEAVY, f"{service} grew by {grown_mb:.0f} MB", tuple(batch)))
        self._merge_peaks(peaks)

    async def _wait_until_idle(self) -> None:
        """Wait until all services are idle, up to a limit."""
        busy = True
        for _ in range(60):
            before = self._usage()
            await asyncio.sleep(0.25)
            after = self._usage()
            busy = any(after[name].cpu_s - before[name].cpu_s > 0.25 * _IDLE_CPU for name in after if name != "capture")
            if not busy:
                return

    async def _check_services(self, name: str, batch: Sequence[Case]) -> None:
        """Check health, logs and processes, and send a valid request."""
        suspects = tuple(batch)
        for text in self._watch.take_faults():
            self._report.add(Fault(name, text, (*self._previous, *suspects)))
        self._previous = suspects
        for text in self._log_faults(len(batch)):
            await self._attribute(Fault(name, text, suspects))
        fault = None if self._stack.ended() else await self._probes.next_fault(self._sender)
        ended = self._stack.ended()
        for service in ended:
            self._report.add(Fault(name, f"{service} ended", suspects))
        if fault is not None:
            self._report.add(Fault(name, fault, suspects))
        if fault is not None or ended:
            await self._restart()

    def _log_faults(self, cases: int) -> list[str]:
        """Return the faults in the logs since the last call."""
        found = []
        for service, log in self._logs.items():
            text = log.read_new()
            size = len(text.encode())
            self._logged[service] += size
            if size > self._bounds.log_burst_bytes + self._bounds.log_bytes * cases:
                found.append(f"{service} logged {size:,} bytes in {cases} cases")
            found += [f"in the log of {service}: {line}" for line in dict.fromkeys(failures_in(text))]
        return found

    async def _attribute(self, fault: Fault) -> None:
        """Report a fault in a log, with the single case of the batch that causes it if that can be found."""
        is_new = not self._report.contains(fault)
        if is_new and len(fault.cases) > 1 and self._attributions < MAX_ATTRIBUTIONS and not self._stack.ended():
            self._attributions += 1
            for case in fault.cases:
                _, connection = await self._outcome(case)
                if connection is not None:
                    await disconnect(connection)
                texts = self._log_faults(1)
                if fault.kind in {Fault(fault.target, text).kind for text in texts}:
                    self._report.add(Fault(fault.target, fault.text, (case,)))
                    return
        self._report.add(fault)

    async def _restart(self) -> None:
        """Restart all services, so that one fault doesn't hide others."""
        self._restarts += 1
        await self._close()
        self._stack.stop()
        await asyncio.to_thread(self._stack.start)
        self._watch.take_faults()
        self._baseline = {}
        await self._open()

    async def _finish(self) -> None:
        """Compare memory and descriptors with those after the warm-up, once the services are idle."""
        if self._held:
            await asyncio.wait(self._held, timeout=self._bounds.held_s + MAX_WAIT_S)
        self._update_peaks()
        baseline = self._baseline or self._usage()
        for _ in range(self._bounds.settle_s + 1):
            usage = self._usage()
            if not self._growth_faults(baseline, usage):
                break
            await asyncio.sleep(1)
        await asyncio.sleep(HEALTH_S)  # wait for the health request in flight
        for text in self._watch.take_faults():
            self._report.add(Fault("services", text, self._previous))
        for text in self._growth_faults(baseline, usage):
            self._report.add(Fault("services", text))
        for name, size in self._logged.items():
            if size > self._bounds.run_log_bytes + self._bounds.run_log_bytes_per_case * self._report.cases:
                self._report.add(Fault("services", f"{name} logged {size:,} bytes in total"))
        for name, end in usage.items():
            peak = self._peaks.get(name, end.resident_mb)
            if peak > CONTAINER_MB.get(name, peak):
                self._report.add(
                    Fault("services", f"{name} reached {peak:.0f} MB; the limit is {CONTAINER_MB[name]} MB")
                )
            self._report.services[name] = ServiceUsage(
                warm_mb=baseline[name].resident_mb,
                end_mb=end.resident_mb,
                peak_mb=peak,
                warm_descriptors=baseline[name].descriptors,
                end_descriptors=end.descriptors,
                log_bytes=self._logged[name],
            )

    def _growth_faults(self, baseline: Mapping[str, Usage], now: Mapping[str, Usage]) -> list[str]:
        found = []
        for name, usage in now.items():
            if usage.resident_mb - baseline[name].resident_mb > self._bounds.memory_mb:
                found.append(f"{name} grew from {baseline[name].resident_mb:.0f} to {usage.resident_mb:.0f} MB")
            if usage.descriptors - baseline[name].descriptors > self._bounds.descriptors:
                found.append(f"{name} has {usage.descriptors} files open, up from {baseline[name].descriptors}")
        return found

    def _usage(self) -> dict[str, Usage]:
        found = {}
        for name in self._stack.names():
            with suppress(psutil.NoSuchProcess):
                found[name] = self._stack.usage(name)
        return found

    def _update_peaks(self) -> None:
        self._merge_peaks(self._watch.take_peaks())

    def _merge_peaks(self, peaks: Mapping[str, float]) -> None:
        for name, peak in peaks.items():
            self._peaks[name] = max(peak, self._peaks.get(name, 0.0))

    async def _open(self) -> None:
        self._sender = Sender(self._stack.ports, self._stack.redis_url)
        await self._sender.open()

    async def _close(self) -> None:
        for task in list(self._held):
            task.cancel()
        await asyncio.gather(*self._held, return_exceptions=True)
        await self._sender.close()

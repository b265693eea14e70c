"""The composition root: connects services, host and configuration, and is what a page talks to."""

import asyncio
from enum import Enum
from functools import partial
from typing import Literal

from .config import LIMITS, Config, Limits
from .config_container import with_vms
from .deployment import Deployment, InForce, Limited
from .errors import EdgeError, RefusedError
from .host.ports import Host
from .pure.config_checks import absolute_url
from .pure.requests import InferRequest
from .pure.statistics import Statistics
from .pure.trace import Journal, Unheard
from .run_reports import tell_dropped
from .runs import Runs
from .services.breakers import Breakers, jitter_of
from .services.bundles import Bundles
from .services.catalogue import Catalogue
from .services.catalogue_versions import Change
from .services.container import Container
from .services.container_context import Surroundings
from .services.inference import ModelLibrary
from .services.lanes import Lanes
from .services.store import Done, Mode, Store
from .services.triggers import Triggers
from .types import JsonValue, Result

__all__ = ["InferRequest", "Runtime", "Statistics"]

_State = Enum("_State", ("NEW", "STARTED", "STOPPED"))


class Runtime:
    """One site's events, tasks and models.

    Args:
        host: The outside.
        config: A parsed configuration.
        base_url: Where the configuration came from; its relative URLs resolve against it.
        journal: Hears what goes in and what is decided, for a trace.
        limits: The store's bounds; others are smaller or slower in tests.
        life: Its name, in run ids of calls and breakers' jitter; empty: a random one.
        vms: Instead of the configuration's: 0 to 8, or ``auto``.
        profile: Whether results say where their time went; for development.
        struck: Tasks that cost the workers before this one: their breakers begin open.
    """

    def __init__(
        self,
        host: Host,
        config: Config,
        base_url: str,
        *,
        journal: Journal | None = None,
        limits: Limits = LIMITS,
        life: str = "",
        vms: int | Literal["auto"] | None = None,
        profile: bool = False,
        struck: tuple[str, ...] = (),
    ) -> None:
        self._host, self._config = host, config
        self._journal = journal or Unheard()
        clock, page, scheduler, tell = host.clock, host.page, config.scheduler, self._store_changed
        resolve = partial(absolute_url, base_url)
        self._store = Store(clock, host.storage, host.crypto, config.data, limits, on_change=tell)
        self._struck = struck
        self._life = life or host.crypto.random_bytes(6).hex()
        jitter, breaker = partial(jitter_of, self._life), scheduler.breaker
        self._breakers = Breakers(clock, page, self._store, breaker, jitter, self._journal)
        self._lanes = Lanes(clock, scheduler.ageing_ms)
        self._models = ModelLibrary(
            host,
            config.models,
            config.inference,
            resolve=resolve,
            resource=lambda task, path: self._tasks.resource(task, path),
            breakers=self._breakers,
            lanes=self._lanes,
            values=self._store,
        )
        around = Surroundings(clock, host.images, page, self._models, self._store, host.network)
        in_vms, trip = with_vms(config.container, vms), self._breakers.trip
        self._container = Container(around, host, in_vms, trip, is_profiled=profile)
        self._bundles = Bundles(host.crypto, clock, config.trust, self._store)
        load, unload = self._container.load, self._container.unload
        self._tasks = Catalogue(host.network, resolve, self._bundles.open, load, unload)
        self._runs = Runs(
            clock=clock,
            page=page,
            life=self._life,
            tasks=self._tasks,
            container=self._container,
            config=scheduler,
            gate=self._breakers,
            stored=self._store,
            flush=self.flush,
            journal=journal,
        )
        self._triggers = Triggers(clock, self._store.watch, self._store)
        limited = Limited(self._breakers, self._runs, self._lanes)
        in_force = InForce(self._tasks, self._triggers, self._bundles.remember)
        self._deployment = Deployment(config, in_force, limited, page, self._journal)
        self._state, self._started_ms = _State.NEW, 0.0

    async def start(self) -> list[EdgeError]:
        """Open the store and load the bundles.

        Returns:
            What is missing although the rest works: a bundle, a model, storage, records.
        """
        if self._state is not _State.NEW:
            raise RuntimeError("a runtime starts once: make a new one")
        self._started_ms = self._host.clock.monotonic_ms()
        loading = self._tasks.load(self._config.bundles)
        _, problems = await asyncio.gather(self._bundles.recall_after(self._store.start()), loading)
        problems += [*self._store.problems, *self._deployment.start()]
        await self._runs.by_event.recall()
        self._state = _State.STARTED
        self._deployment.note_start(self._host.clock.now_ms(), self._life)
        self._breakers.load()
        for task in self._struck:
            self._breakers.trip(task)
        self._models.load()
        self._container.warm()
        return problems

    def take_up(self) -> None:
        """Go on with what the worker before left; when pages are served, as that may end it too."""
        self._runs.by_event.take_up()

    def track(
        self, batch_json: str, client: str = "", done: Done | None = None, *, is_again: bool = False
    ) -> None:
        """Store events and start the runs they trigger; never raises, never waits.

        Args:
            batch_json: JSON array of rows ``[id, ts, type, pageId, clickId, pv, props]``; bad rows
                are dropped with a warning to the page's log, known ids are ignored.
            client: The tab they come from, which gets the results.
            done: Called when they are durable; at once where nothing can become durable.
            is_again: A worker that was lost had them: what they start is noted first.
        """
        if self._state is not _State.STARTED:
            return
        self._runs.by_event.take_up()
        self._journal.note("track", client=client, events=batch_json)
        taken = self._store.add_batch(batch_json, done)
        if taken.errors:
            tell_dropped(self._host.page, taken.errors, client)
        for event, match in self._triggers.matches(taken.matching):
            self._runs.by_event.start(match, event, client, is_again=is_again)

    async def infer(self, request: InferRequest) -> Result:
        """Run the task of the request's codes, as :meth:`Runs.infer`; or ``runtime-stopped``."""
        self._check_started()
        self._journal.note("infer", **request.to_dict())
        return await self._runs.infer(request)

    def cancel(self, call_id: int) -> None:
        """End the run of an unanswered call with ``run-cancelled``; other ids are ignored."""
        self._journal.note("cancel", callId=call_id)
        self._runs.cancel(call_id)

    @property
    def data(self) -> Store:
        """The store of a started runtime; else raises ``runtime-stopped``."""
        self._check_started()
        return self._store

    async def flush(self) -> None:
        """Make durable what was tracked and what is remembered of it; see :meth:`Store.flush`."""
        self._check_started()
        for part in (self._runs.by_event, self._triggers, self._breakers, self._models):
            await part.save()
        await self._store.flush()

    async def erase(self) -> None:
        """Delete what is stored, see :meth:`Store.erase`, and what is remembered of it."""
        self._triggers.forget()
        self._runs.forget()
        self._models.forget()
        await self.data.erase()
        await self._models.erase()

    def pause(self) -> None:
        """Start no run until :meth:`resume`; events are stored and what they trigger waits."""
        self._journal.note("pause")
        self._runs.pause()

    def resume(self) -> None:
        """Start what waits, and accept calls again."""
        self._journal.note("resume")
        self._runs.resume()

    def reconfigure(self, plain: JsonValue) -> list[EdgeError]:
        """Use other triggers and limits; see :meth:`Deployment.reconfigure`."""
        self._check_started()
        return self._deployment.reconfigure(plain)

    async def deploy(self, plain: JsonValue) -> list[EdgeError]:
        """Use another configuration, its bundles too; see :meth:`Deployment.deploy`."""
        self._check_started()
        return await self._deployment.deploy(plain)

    async def reload(self) -> Change:
        """Use the bundles as they are now; see :meth:`Deployment.reload`."""
        self._check_started()
        return await self._deployment.reload()

    async def stop(self) -> None:
        """End all runs, make everything durable, let go of the host; a second call does nothing."""
        if self._state is _State.STOPPED:
            return
        self._state = _State.STOPPED
        self._tasks.stop()
        self._journal.note("stop")
        for part in (self._runs, self._lanes, self._models, self._breakers, self._triggers):
            await part.stop()
        await self._store.stop()
        await self._container.stop()

    def statistics(self) -> Statistics:
        """Return a snapshot of every part."""
        return Statistics(
            uptimeMs=self._host.clock.monotonic_ms() - self._started_ms,
            paused=self._runs.paused,
            queues=self._runs.statistics(),
            store=self._store.statistics(),
            lanes=self._lanes.statistics(),
            models=self._models.statistics(),
            modelMemory=self._models.memory(),
            breakers=self._breakers.statistics(),
            tasks={task.manifest.name: task.statistics() for task in self._tasks},
            vms=self._container.statistics(),
            triggers=self._triggers.statistics(),
        )

    def _store_changed(self) -> None:
        if self._store.mode is Mode.SUPERSEDED:
            self._host.page.superseded()
        elif self._state is _State.STARTED:
            self._host.page.notify("status", {"state": "store", "store": self._store.condition()})

    def _check_started(self) -> None:
        if self._state is not _State.STARTED:
            message = "runtime: expected a started one, got one not started or stopped. Start it."
            raise RefusedError("runtime-stopped", message)

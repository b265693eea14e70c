"""The breakers' service: refusals by name, and what a later life knows of them."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.errors import HostError
from edge_runtime.services.breakers import FORGET_MS, KEY, Breakers, jitter_of
from edge_runtime.testing.fake_host import FakePage
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import JsonValue

CONFIG = BreakerConfig(min_calls=2, open_ms=100, max_open_ms=400, half_open_calls=1)


class Values:
    """A store of values; ``gate`` holds up its writes, ``failing`` makes them fail."""

    def __init__(self) -> None:
        self.kept: dict[str, JsonValue] = {}
        self.puts: list[tuple[str, JsonValue, bool | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing = False

    def get(self, key: str) -> JsonValue:
        return self.kept.get(key)

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        self.puts.append((key, value, encrypted))
        await self.gate.wait()
        if self.failing:
            raise HostError("storage-failed", "no")
        self.kept[key] = value


class Stage:
    """Breakers on a clock, and the next life of them."""

    def __init__(
        self,
        clock: ManualClock | None = None,
        values: Values | None = None,
        config: BreakerConfig = CONFIG,
    ) -> None:
        self.clock, self.values, self.page = clock or ManualClock(), values or Values(), FakePage()
        self.changes: list[tuple[str, str]] = []
        self.breakers = Breakers(
            self.clock, self.page, self.values, config, lambda *_: 0.5, journal=self
        )
        self.breakers.load()

    def note(self, kind: str, **fields: Any) -> None:
        assert kind == "breaker"
        self.changes.append((fields["from"], fields["to"]))

    def call(self, task: str, *, failed: bool) -> None:
        permit = self.breakers.acquire(task)
        assert permit is not None
        self.breakers.done(task, permit, failed, 1)

    def trip(self, task: str) -> None:
        for _ in range(2):
            self.call(task, failed=True)

    def wait_ms(self, task: str) -> float | None:
        refusal = self.breakers.refusal(task)
        return None if refusal is None else refusal.details["retryAfterMs"]

    def reloaded(self, config: BreakerConfig = CONFIG) -> "Stage":
        return Stage(self.clock, self.values, config)

    def warnings(self) -> list[str]:
        return [body["message"] for body in self.page.named("log")]


def staged(test: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    async def play() -> None:
        unhandled: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, found: unhandled.append(found))
        stage = Stage()
        await test(stage)
        stage.values.gate.set()
        await stage.breakers.stop()
        assert unhandled == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def run() -> None:
        asyncio.run(play())

    run.__name__ = test.__name__
    return run


@staged
async def test_what_fails_again_and_again_is_refused_with_the_time_to_wait(stage: Stage) -> None:
    assert stage.breakers.refusal("Rank") is None
    stage.trip("Rank")
    await stage.clock.advance(30)

    refusal = stage.breakers.refusal("Rank")

    assert refusal is not None and refusal.code == "circuit-open"
    assert refusal.details == {"breaker": "Rank", "retryAfterMs": 70}
    assert stage.breakers.acquire("Rank") is None
    assert stage.warnings()[0].startswith("Rank: expected most of the latest calls to succeed")


@staged
async def test_every_change_of_a_state_is_noted_once(stage: Stage) -> None:
    stage.trip("Rank")
    await stage.clock.advance(100)
    assert stage.breakers.refusal("Rank") is None
    stage.call("Rank", failed=True)
    await stage.clock.advance(200)
    stage.breakers.statistics()
    stage.call("Rank", failed=False)

    assert stage.changes == [
        ("closed", "open"),
        ("open", "half-open"),
        ("half-open", "open"),
        ("open", "half-open"),
        ("half-open", "closed"),
    ]


@staged
async def test_one_name_says_nothing_about_another(stage: Stage) -> None:
    stage.trip("ranker@webgpu")

    assert stage.wait_ms("ranker@wasm") is None
    assert stage.breakers.acquire("ranker@wasm") is not None


@staged
async def test_a_permit_given_back_counts_neither_way(stage: Stage) -> None:
    stage.call("Rank", failed=True)
    permit = stage.breakers.acquire("Rank")
    assert permit is not None
    stage.breakers.release("Rank", permit)

    assert stage.breakers.statistics()["Rank"]["calls"] == 1


@staged
async def test_only_changes_are_written_and_sealed(stage: Stage) -> None:
    for failed in (False, False, True):
        stage.call("Rank", failed=failed)
    await settle()
    assert stage.values.puts == []

    stage.call("Rank", failed=True)
    await settle()
    now_ms = stage.clock.now_ms()
    times = {"sinceMs": now_ms, "untilMs": now_ms + 100}
    opened = {"Rank": {"state": "open", **times, "streak": 1}}
    assert stage.values.puts == [(KEY, opened, True)]

    await stage.clock.advance(100)
    stage.call("Rank", failed=False)
    await settle()
    assert stage.values.puts[1:] == [(KEY, {}, True)]


@staged
async def test_changes_during_a_write_are_written_together_afterwards(stage: Stage) -> None:
    stage.values.gate.clear()
    for task in ("A", "B", "C"):
        stage.trip(task)
        await settle()
    stage.values.gate.set()
    await settle()

    assert [sorted(value) for _, value, _ in stage.values.puts] == [["A"], ["A", "B", "C"]]


@staged
async def test_saving_ends_when_changes_during_a_write_are_kept_as_well(stage: Stage) -> None:
    await stage.breakers.save()
    stage.values.gate.clear()
    for task in ("A", "B"):
        stage.trip(task)
        await settle()
    saving = asyncio.create_task(stage.breakers.save())
    await settle()
    assert not saving.done()

    stage.values.gate.set()
    await saving

    assert sorted(stage.values.kept[KEY]) == ["A", "B"]


@staged
async def test_a_store_that_cannot_write_harms_nothing(stage: Stage) -> None:
    stage.values.failing = True
    stage.trip("A")
    await settle()
    stage.values.failing = False
    stage.trip("B")
    await settle()

    assert sorted(stage.values.kept[KEY]) == ["A", "B"]


@staged
async def test_a_later_life_refuses_for_the_rest_of_the_time_and_then_tries_once(
    stage: Stage,
) -> None:
    stage.trip("Rank")
    await stage.clock.advance(30)

    later = stage.reloaded()

    assert later.wait_ms("Rank") == 70
    await later.clock.advance(70)
    assert later.breakers.acquire("Rank") is not None
    assert later.breakers.acquire("Rank") is None


@staged
async def test_what_opened_long_ago_is_forgotten(stage: Stage) -> None:
    stage.trip("Rank")
    await settle()
    await stage.clock.advance(FORGET_MS + 100)

    assert stage.reloaded().breakers.statistics() == {}


@pytest.mark.parametrize("stored", ["text", 5, [1], {"Rank": None}, {"Rank": {"state": "ajar"}}])
def test_a_damaged_value_is_told_and_ignored(stored: JsonValue) -> None:
    @staged
    async def play(stage: Stage) -> None:
        stage.values.kept[KEY] = stored

        later = stage.reloaded()

        assert later.breakers.refusal("Rank") is None
        assert len(later.warnings()) == 1
        assert later.warnings()[0].startswith(KEY)

    play()


@staged
async def test_a_damaged_breaker_does_not_hide_the_others(stage: Stage) -> None:
    stage.trip("Rank")
    await settle()
    stage.values.kept[KEY]["Bad"] = {"state": "open", "untilMs": "soon", "streak": 1}

    assert stage.reloaded().wait_ms("Rank") == 100


@staged
async def test_other_settings_hold_at_once_and_nothing_closes(stage: Stage) -> None:
    stage.trip("Rank")
    stage.call("Photo", failed=True)

    stage.breakers.reconfigure(BreakerConfig(min_calls=1))

    assert stage.wait_ms("Rank") == 100
    assert stage.wait_ms("Photo") is None
    stage.call("Photo", failed=True)
    assert stage.wait_ms("Photo") == 5_000


@staged
async def test_a_lower_cap_half_opens_nothing_before_its_time(stage: Stage) -> None:
    stage.breakers.reconfigure(BreakerConfig(min_calls=2, open_ms=60_000, max_open_ms=60_000))
    stage.trip("Rank")
    await settle()
    await stage.clock.advance(1_000)
    lower = BreakerConfig(open_ms=3_000, max_open_ms=3_000)

    stage.breakers.reconfigure(lower)

    for breakers in (stage, stage.reloaded(lower)):
        assert breakers.wait_ms("Rank") == 2_000
    await stage.clock.advance(2_000)
    assert stage.wait_ms("Rank") is None
    assert stage.changes == [("closed", "open"), ("open", "half-open")]


def forcing(*names: str) -> BreakerConfig:
    return replace(CONFIG, forced_open=names)


@staged
async def test_what_the_configuration_names_is_refused_until_it_does_not(stage: Stage) -> None:
    permit = stage.breakers.acquire("Rank")
    stage.breakers.reconfigure(forcing("Rank", "ranker@webgpu"))
    for _ in range(2):
        stage.breakers.done("Rank", permit, True, 1)

    refusal = stage.breakers.refusal("Rank")
    assert refusal is not None and refusal.code == "circuit-open"
    assert refusal.details == {"breaker": "Rank", "retryAfterMs": CONFIG.max_open_ms}
    assert refusal.message.endswith("Take the name out of scheduler.breaker.forcedOpen.")
    assert stage.breakers.acquire("Rank") is None and stage.wait_ms("Photo") is None
    await stage.clock.advance(10 * CONFIG.max_open_ms)
    assert stage.breakers.statistics()["ranker@webgpu"]["state"] == "forced-open"

    stage.breakers.reconfigure(forcing("ranker@webgpu"))

    assert stage.wait_ms("Rank") is None
    assert stage.wait_ms("ranker@webgpu") == CONFIG.max_open_ms
    assert stage.changes == [
        ("closed", "forced-open"),
        ("closed", "forced-open"),
        ("forced-open", "closed"),
    ]


@staged
async def test_other_settings_leave_forced_what_is_named_still(stage: Stage) -> None:
    stage.breakers.reconfigure(forcing("Rank"))
    stage.breakers.reconfigure(replace(forcing("Rank"), max_open_ms=900))

    assert stage.wait_ms("Rank") == 900
    assert stage.changes == [("closed", "forced-open")]


@staged
async def test_what_is_forced_is_not_kept_and_holds_from_the_start(stage: Stage) -> None:
    stage.trip("Photo")
    await settle()
    puts = len(stage.values.puts)

    later = stage.reloaded(forcing("Rank", "Photo"))
    await settle()

    assert (later.wait_ms("Rank"), later.wait_ms("Photo")) == (400, 400)
    assert len(stage.values.puts) == puts
    assert stage.reloaded().wait_ms("Rank") is None
    assert stage.reloaded().wait_ms("Photo") == 100


@staged
async def test_a_forced_breaker_that_is_in_a_store_is_left_out(stage: Stage) -> None:
    stage.values.kept[KEY] = {"Rank": {"state": "forced-open"}}

    assert stage.reloaded().breakers.statistics() == {}


def test_open_times_are_spread_by_life_name_and_count_and_by_nothing_else() -> None:
    lives = [f"{number:012x}" for number in range(2_000)]
    spread = sorted(jitter_of(life, "Rank", 0) for life in lives)

    assert 0 <= spread[0] and spread[-1] < 1
    assert all(abs(value - n / len(lives)) < 0.1 for n, value in enumerate(spread))
    assert len({jitter_of("a", name, opens) for name in ("A", "B") for opens in range(9)}) == 18


@staged
async def test_two_breakers_that_open_in_one_instant_cannot_swap_their_times(stage: Stage) -> None:
    def opened(*names: str) -> dict[str, float]:
        clock = ManualClock()
        jitter = partial(jitter_of, "life")
        breakers = Breakers(clock, FakePage(), stage.values, CONFIG, jitter)
        for name in names * 2:
            breakers.done(name, breakers.acquire(name), True, 1)
        return {name: each["retryAfterMs"] for name, each in breakers.statistics().items()}

    assert opened("A", "B") == opened("B", "A")
    assert len(set(opened("A", "B").values())) == 2
    await settle()


@staged
async def test_the_figures_are_those_of_the_window(stage: Stage) -> None:
    for failed in (False, False, True):
        stage.call("Rank", failed=failed)
    stage.trip("Worse")

    figures = stage.breakers.statistics()

    assert figures["Rank"] == {
        "state": "closed",
        "calls": 3,
        "failures": 1,
        "slow": 0,
        "opens": 0,
        "retryAfterMs": 0,
    }
    assert (figures["Worse"]["state"], figures["Worse"]["opens"]) == ("open", 1)
    assert figures["Worse"]["retryAfterMs"] == 100
    await stage.clock.advance(CONFIG.window_ms)
    assert stage.breakers.statistics()["Rank"]["calls"] == 0

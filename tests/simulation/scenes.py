"""What happens on the site, a scene after the other; each leaves it to the audits to look."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge_runtime.pure.run_lines import CORE_IN_A_ROW
from edge_runtime.types import Priority

from .site import AGEING_MS, BREAKER, ERRANDS, LIMITS, MAX_RUNNING, TASKS, config

if TYPE_CHECKING:
    from .world import World

CALM_MS = 30_000
SIEGE_RUN_MS = 400


def visit(world: "World") -> None:
    """Somebody looks around."""
    for _ in range(world.choose.randint(1, 6)):
        world.track(1)
        world.wait(world.choose.choice([0, 1, 40, 300, 3_000]))


def errand(world: "World") -> None:
    """Play what a trigger remembers, twice; a start or other triggers may come in between."""
    interruptions = [restart, death, other_configuration]
    for step in world.choose.choice(ERRANDS) * 2:
        world.track(1, step)
        world.wait(world.choose.choice([0, 40, 1_500, 1_500, 20_000]))
        if world.choose.random() < 0.25:
            world.choose.choice(interruptions)(world)


def conversation(world: "World") -> None:
    """A page calls tasks, and thinks better of some calls."""
    for _ in range(world.choose.randint(1, 4)):
        world.ask_anything()
        world.wait(world.choose.choice([0, 2, 50, 900]))
        if world.choose.random() < 0.2:
            world.cancel_any()


def burst(world: "World") -> None:
    """Events come faster than their runs end."""
    for _ in range(world.choose.randint(5, 15)):
        world.track(world.choose.randint(1, 10))
        world.wait(world.choose.choice([0, 5, 60]))
        if world.choose.random() < 0.1:
            world.cancel_any()


def siege(world: "World") -> None:
    """Urgent runs without end, for longer than anyone may wait, before full lines of others."""
    world.reconfigure(config())
    world.wait(CALM_MS)
    for _ in range(MAX_RUNNING + 5):
        world.ask("Quick", takeMs=SIEGE_RUN_MS)
    for task, queue in (("Heavy", "low"), ("Steady", "regular")):
        for _ in range(LIMITS[queue] + 3):
            world.ask(task, takeMs=world.choose.choice([5, 50]))
    turns = (CORE_IN_A_ROW + 1) * (sum(LIMITS.values()) + MAX_RUNNING) / (MAX_RUNNING - 1)
    until_ms = world.now_ms() + 2 * AGEING_MS + (math.ceil(turns) + 4) * SIEGE_RUN_MS
    while world.now_ms() < until_ms:
        world.ask("Quick", takeMs=SIEGE_RUN_MS)
        world.wait(SIEGE_RUN_MS / MAX_RUNNING - 10)
        if world.choose.random() < 0.05:
            world.cancel_any()


def late_core(world: "World") -> None:
    """Long runs of low priority are under way, and more wait, when an urgent one comes."""
    for _ in range(world.choose.randint(2, 6)):
        task = world.choose.choice(["Heavy", "Outer", "Steady"])
        world.ask(task, takeMs=world.choose.choice([500, 1_500, 3_000]))
    world.wait(world.choose.choice([0, 1, 40, 400]))
    for _ in range(world.choose.randint(1, 2)):
        world.ask("Quick", takeMs=world.choose.choice([5, 300]))


def outage(world: "World") -> None:
    """A task fails until its breaker opens, while slow runs of before are under way."""
    task = world.choose.choice(["Frail", "Frail", "Steady", "Shaky"])
    for _ in range(2):
        world.ask(task, takeMs=world.choose.choice([700, 1_700, 3_000]))
    world.wait(10)
    for _ in range(BREAKER["minCalls"] + 4):
        world.ask(task, priority=Priority.CORE, takeMs=5, fails=True)
        world.wait(world.choose.choice([6, 6, 30]))
    for _ in range(world.choose.randint(1, 6)):
        world.wait(world.choose.choice([200, BREAKER["openMs"], 3_000]))
        does = {"takeMs": 5, "fails": world.choose.random() < 0.4}
        world.ask(task, priority=Priority.CORE, **does)
        if world.choose.random() < 0.25:
            world.cancel_any()


def stall(world: "World") -> None:
    """Code that computes without a pause holds up all timers; deadlines pass unheard."""
    for _ in range(MAX_RUNNING - 1):
        world.ask("Steady", takeMs=10, blockMs=world.choose.choice([20, 200]))
    for timeout_ms in (5, 15, 50, 100, 400):
        world.ask("Heavy", timeout_ms=timeout_ms, takeMs=1)
    world.wait(1_000)


def deaf_callers(world: "World") -> None:
    """Runs that wait for others are ended, and go on all the same; more want their slots."""
    for _ in range(world.choose.randint(2, 5)):
        timeout_ms = world.choose.choice([100, 300])
        world.ask("Outer", timeout_ms=timeout_ms, calls="Heavy", deafMs=2_000)
        world.wait(world.choose.choice([0, 20]))
    for _ in range(6):
        world.wait(world.choose.choice([1, 150, 600]))
        world.ask(world.choose.choice(["Steady", "Quick"]), takeMs=400)


def hold(world: "World") -> None:
    """Hide the page for a while; events keep coming from other tabs."""
    world.do(world.runtime.pause)
    visit(world)
    world.wait(world.choose.choice([0, 500, 20_000]))
    world.do(world.runtime.resume)


def death(world: "World") -> None:
    """End the worker in the middle of a commit, after any number of callbacks."""
    world.track(world.choose.randint(1, 5))
    world.stop_after(50, callbacks=world.choose.randint(0, 60))
    world.begin_anew(died=True)


def restart(world: "World") -> None:
    """Leave in an orderly way and come back."""
    world.stop()
    world.begin_anew()


def leave_busy(world: "World") -> None:
    """Leave, or die, while runs of events are under way and more of them wait."""
    for _ in range(world.choose.randint(1, 3)):
        world.track(world.choose.randint(2, 10))
        world.wait(world.choose.choice([0, 30, 90, 200, 1_300]))
    world.choose.choice([restart, death])(world)


def set_clock(world: "World") -> None:
    """Set the device's clock."""
    world.set_clock(world.choose.choice([-86_400_000, -5_000, -900, 30_000, 7_200_000]))


def full_disk(world: "World") -> None:
    """Have no room for a while."""
    with world.no_room():
        visit(world)
        world.wait(world.choose.choice([1_000, 90_000]))


def other_configuration(world: "World") -> None:
    """Swap triggers and limits at run time: without some, or with all again."""
    plain = config()
    if world.choose.random() < 0.5:
        plain["triggers"] = world.choose.sample(plain["triggers"], 7)
    plain["scheduler"]["maxRunning"] = world.choose.choice([2, MAX_RUNNING, MAX_RUNNING, 4])
    if world.choose.random() < 0.3:
        forced = world.choose.choice([["Steady"], ["Frail", "Quick"]])
        plain["scheduler"]["breaker"] = {**BREAKER, "forcedOpen": forced}
    world.reconfigure(plain)


def other_version(world: "World") -> None:
    """Exchange a task under its runs, some of which wait; or try to."""
    task = world.choose.choice(list(TASKS))
    for _ in range(world.choose.randint(0, 6)):
        world.ask(task, takeMs=world.choose.choice([0, 40, 400]))
    world.exchange(task, is_broken=world.choose.random() < 0.3)
    world.ask_anything()


Scene = Callable[["World"], None]
# How often of a hundred times or so.
SCENES: Mapping[Scene, float] = {
    visit: 45,
    errand: 6,
    conversation: 18,
    burst: 2,
    siege: 0.5,
    late_core: 5,
    outage: 5,
    stall: 3,
    deaf_callers: 3,
    hold: 3,
    death: 2,
    restart: 1,
    leave_busy: 2,
    set_clock: 1,
    full_disk: 1,
    other_configuration: 3,
    other_version: 3,
}

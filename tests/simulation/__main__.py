"""``make simulate``: many seeds, many hours; ends at the first that breaks an invariant."""

import argparse
import sys
import time

from .world import World


def main() -> int:
    """Simulate and print a line for each seed; return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--hours", type=int, default=25)
    options = parser.parse_args()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        try:
            sys.stdout.write(f"seed {seed}: {lived(seed, options.hours)}\n")
        except Exception:
            sys.stderr.write(f"Again: {again(seed, options.hours)}\n")
            raise
    return 0


def lived(seed: int, hours: int) -> str:
    """Simulate a life and describe it."""
    began_s = time.monotonic()
    world = World(seed)
    world.play(hours)
    outcomes = ", ".join(f"{count} {ended}" for ended, count in world.ledger.outcomes.items())
    waits = ", ".join(f"{queue} {ms:,.0f}" for queue, ms in world.longest_ms.items())
    took_s = time.monotonic() - began_s
    lives = world.ledger.lives
    return f"{lives} workers; {outcomes}; longest waits {waits} ms; {took_s:.1f} s"


def again(seed: int, hours: int) -> str:
    """Return the command that repeats a life."""
    return f"make simulate SEED={seed} SEEDS=1 HOURS={hours}"


if __name__ == "__main__":
    sys.exit(main())

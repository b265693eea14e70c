"""``make simulate``: many seeds, many hours; ends at the first that breaks an invariant."""

import argparse
import sys
import time

from .world import World


def main() -> None:
    """Simulate and print a line for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--hours", type=int, default=25)
    options = parser.parse_args()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        began_s = time.monotonic()
        world = World(seed)
        world.play(options.hours)
        outcomes = ", ".join(f"{count} {ended}" for ended, count in world.ledger.outcomes.items())
        waits = ", ".join(f"{queue} {ms:,.0f}" for queue, ms in world.ledger.longest_ms.items())
        took_s = time.monotonic() - began_s
        sys.stdout.write(
            f"seed {seed}: {world.ledger.lives} workers; {outcomes}; longest waits {waits} ms; "
            f"{took_s:.1f} s\n"
        )


if __name__ == "__main__":
    main()

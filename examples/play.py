"""Sit down at a table with agents, or watch four of them.

    python examples/play.py you greedy eq:n=20 greedy            you are seat 0, eq:n=20 is your partner
    python examples/play.py eq:n=20 random eq:n=20 random        watch, pressing Enter after each trick
    python examples/play.py you eq eq eq --match --window        with drawn dominoes (needs pygame)

Say what you do in words: ``6-4``, ``pass``, ``31``, ``2 marks``, ``fives``, ``no-trump``; ``?`` lists what is allowed.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from gymnasium.error import DependencyNotInstalled

import zeb42_env
from zeb42_agents.agent import make_agent, require_agent
from zeb42_env import Hand, Phase, Rules, action_text, parse_action, render

HUMAN = "you"


def ask(view: Hand) -> int:
    """What the person at the keyboard does."""
    allowed = {action_text(action): action for action in view.legal_actions()}
    while True:
        words = input(f"seat {view.to_move}, your turn ({', '.join(allowed)}): ").strip()
        try:
            action = parse_action(words)
        except ValueError as error:
            print(error if words != "?" else f"allowed: {', '.join(allowed)}")
            continue
        if action in allowed.values():
            return action
        print(f"{words} is not allowed here; allowed: {', '.join(allowed)}")


def play(names: list[str], rules: Rules, seed: int, *, window: bool, wait: bool) -> float:
    """Play an episode; returns the reward of seats 0 and 2."""
    agents = [None if name == HUMAN else make_agent(name) for name in names]
    env = zeb42_env.env(rules=rules)
    env.reset(seed=seed)
    table = render.Window() if window else None
    rng = np.random.default_rng(seed)
    you = names.index(HUMAN) if HUMAN in names else None
    while not env.terminations[env.agent_selection]:
        hand = env.unwrapped.hand
        seat = hand.to_move
        agent = agents[seat]
        if agent is None:
            print("\n" + render.ansi(hand.view(seat)))
            action = ask(Hand(hand.view(seat)))
        else:
            action = int(agent.act(np.array([hand.view(seat)]), rng)[0])
            print(f"seat {seat} ({names[seat]}): {action_text(action)}")
        env.step(action)
        after = env.unwrapped.hand
        if table is not None:
            table.show(after.view(you) if you is not None else after.record)
        if after.points != hand.points and not after.is_over and after.phase == Phase.TRICKS:
            print("\n" + render.ansi(after.view(you) if you is not None else after.record))
            if wait and you is None:
                input("Enter for the next trick ")
        if after.shaker != hand.shaker:
            print(f"\nnext hand; marks {after.marks[0]} to {after.marks[1]}\n")
    print("\n" + render.ansi(env.unwrapped.hand.record))
    return float(env.rewards["seat_0"])


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "seats", nargs=4, metavar="SEAT", help="four: who sits at seats 0 to 3: an agent's name, or you"
    )
    parser.add_argument("--seed", type=int, default=None, help="seed of the deal; random if omitted")
    parser.add_argument("--match", action="store_true", help="play to seven marks")
    parser.add_argument("--window", action="store_true", help="show the table in a window too")
    options = parser.parse_args(arguments)
    for name in options.seats:
        if name != HUMAN:
            require_agent(name, HUMAN)
    seed = int(np.random.default_rng().integers(2**32)) if options.seed is None else options.seed
    rules = Rules(episode="match" if options.match else "hand")
    print(f"seed {seed}, {rules}")
    reward = play(options.seats, rules, seed, window=options.window, wait=sys.stdin.isatty())
    print(f"seats 0 & 2: {reward:+g}; again: --seed {seed}")
    return reward


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, EOFError):
        print("\nleft the table")
    except (ValueError, DependencyNotInstalled) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)

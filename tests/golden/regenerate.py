"""Golden playthroughs: whole episodes in text, to be read when they change.

python tests/golden/regenerate.py          write them again; then read the diff
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from zeb42_env import Rules, action_text, parse_action, raw_env, svg
from zeb42_env.observation import PIECES, piece

FOLDER = Path(__file__).parent
EPISODES = {
    "auction": (1, Rules()),
    "auction-all-declarations": (5, Rules(declarations=tuple(range(10)), scoring="contract")),
    "random-majority": (3, Rules(contract="random", scoring="majority")),
    "dropped30-points": (4, Rules(contract="dropped30", scoring="points")),
    "reshake": (25, Rules(all_pass="reshake")),
    "match": (2, Rules(episode="match")),
}


def playthrough(seed: int, rules: Rules) -> str:
    """An episode of random play, told decision by decision."""
    env = raw_env(rules=rules)
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    lines = [f"seed {seed}, {rules}", f"hand: {env.hand}"]
    while not all(env.terminations.values()):
        observation = env.observe(env.agent_selection)
        legal = np.flatnonzero(observation["action_mask"])
        # Random play would end most auctions at two marks: the earlier an action, the likelier it is.
        action = int(legal[int(len(legal) * rng.random() ** 3)]) if env.hand.phase == 0 else int(rng.choice(legal))
        lines.append(f"{env.agent_selection} {env.hand.phase}: {action_text(action)}")
        lines.append(f"  legal {' '.join(map(str, legal))}")
        lines.append(f"  planes {_fingerprint(observation['observation'])}")
        before = env.hand
        env.step(action)
        if env.hand.points != before.points:
            lines.append(f"  points {env.hand.points}")
        if env.hand.shaker != before.shaker:
            lines.append(f"next hand, marks {env.hand.marks}: {env.hand}")
    lines += [f"end: {env.hand}", f"rewards {env.rewards}", f"made {env.hand.made}, score {env.hand.score}"]
    return "\n".join(lines) + "\n"


def picture() -> str:
    """A table in the middle of a trick, as SVG: seat 2 has to follow, with hidden hands around it."""
    env = raw_env(rules=Rules())
    env.reset(seed=7)
    hand = env.hand
    for action in map(parse_action, ("pass", "32", "pass", "pass", "fives")):
        hand.apply(action)
    while hand.to_move != 2 or hand.record["num_plays"] < 10 or len(hand.legal_actions()) == len(hand.holding(2)):
        hand.apply(hand.legal_actions()[0])
    return svg.table(hand.view(2)) + "\n"


def _fingerprint(observation: np.ndarray) -> str:
    """One hexadecimal digit group for each piece, so that a diff says which piece changed."""
    return " ".join(f"{zlib.crc32(piece(observation, entry.name).tobytes()) & 0xFFFF:04x}" for entry in PIECES)


if __name__ == "__main__":
    for name, (seed, rules) in EPISODES.items():
        (FOLDER / f"{name}.txt").write_text(playthrough(seed, rules))
        print(FOLDER / f"{name}.txt")
    (FOLDER / "table.svg").write_text(picture())

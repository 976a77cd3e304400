"""Texas 42 as a game of OpenSpiel: the deal as chance, auction, declaration and play, and IS-MCTS at one team.

    pip install 'zeb42[recipes]'
    python examples/openspiel_game.py

72 CPU seconds on one core for 40 hands of 100 simulations per decision: +1.45 (+- 0.40) marks per hand against random.

``import openspiel_game`` registers it: ``pyspiel.load_game("python_texas42")`` is for every algorithm of OpenSpiel. All
rules are those of :class:`zeb42_env.Hand`; an action has the same number in both.

IS-MCTS has to deal again what a seat cannot see. OpenSpiel leaves that to the game; :func:`resample` draws it from all
deals that fit the seat's view, each equally likely, with ``zeb42_agents.worlds``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from zeb42_agents import worlds
from zeb42_agents.extras import needs_extras
from zeb42_env import Hand, action_text, domino_text, observe
from zeb42_env.observation import PIECES

with needs_extras():
    import pyspiel
    from open_spiel.python.algorithms import ismcts, mcts

NUM_SEATS, NUM_DOMINOES, NUM_ACTIONS, MAX_DECISIONS, MAX_MARKS = 4, 28, 56, 33, 5
TYPE = pyspiel.GameType(
    short_name="python_texas42",
    long_name="Texas 42",
    dynamics=pyspiel.GameType.Dynamics.SEQUENTIAL,
    chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
    information=pyspiel.GameType.Information.IMPERFECT_INFORMATION,
    utility=pyspiel.GameType.Utility.ZERO_SUM,
    reward_model=pyspiel.GameType.RewardModel.TERMINAL,
    max_num_players=NUM_SEATS,
    min_num_players=NUM_SEATS,
    provides_information_state_string=True,
    provides_information_state_tensor=True,
    provides_observation_string=True,
    provides_observation_tensor=True,
    parameter_specification={},
)
INFO = pyspiel.GameInfo(
    num_distinct_actions=NUM_ACTIONS,
    max_chance_outcomes=NUM_DOMINOES,
    num_players=NUM_SEATS,
    min_utility=-MAX_MARKS,
    max_utility=MAX_MARKS,
    utility_sum=0.0,
    max_game_length=MAX_DECISIONS,
)


class Texas42Game(pyspiel.Game):
    """One hand with the rules of :class:`zeb42_env.Rules`; what a player gets is its team's marks."""

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        super().__init__(TYPE, INFO, params or {})

    def new_initial_state(self) -> Texas42State:
        """Before the deal."""
        return Texas42State(self)

    def make_py_observer(self, iig_obs_type: Any = None, params: Any = None) -> Observer:
        """What a player sees; nothing is forgotten, so that observation and information state are one."""
        return Observer(iig_obs_type, params)


class Texas42State(pyspiel.State):
    """Chance names the shaker, then the dominoes of seat 0, of seat 1, and so on; then the hand is played."""

    def __init__(self, game: Texas42Game) -> None:
        super().__init__(game)
        self.shaker: int | None = None
        self.dealt: list[int] = []
        self.hand: Hand | None = None  # once all is dealt

    def current_player(self) -> int:
        """The seat to move, chance, or nobody."""
        if self.hand is None:
            return int(pyspiel.PlayerId.CHANCE)
        return int(pyspiel.PlayerId.TERMINAL) if self.hand.is_over else self.hand.to_move

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """The shaker, or the next domino: each equally likely."""
        left = range(NUM_SEATS) if self.shaker is None else sorted(set(range(NUM_DOMINOES)) - set(self.dealt))
        return [(outcome, 1 / len(left)) for outcome in left]

    def _legal_actions(self, player: int) -> list[int]:
        assert self.hand is not None
        assert player == self.hand.to_move
        return self.hand.legal_actions()

    def _apply_action(self, action: int) -> None:
        if self.hand is not None:
            self.hand.apply(action)
        elif self.shaker is None:
            self.shaker = action
        else:
            self.dealt.append(action)
            if len(self.dealt) == NUM_DOMINOES:
                deal = "|".join(map(self.words, range(NUM_SEATS)))
                self.hand = Hand.parse(f"zeb42/1 deal={deal} shaker={self.shaker}")

    def words(self, seat: int) -> str:
        """What ``seat`` has been dealt so far, in the notation of a hand."""
        return ".".join(domino_text(domino).replace("-", "") for domino in self.dealt[7 * seat : 7 * seat + 7])

    def _action_to_string(self, player: int, action: int) -> str:
        if player != pyspiel.PlayerId.CHANCE:
            return action_text(action)
        return f"seat {action} shakes" if self.shaker is None else f"deal {domino_text(action)}"

    def is_terminal(self) -> bool:
        """Whether the hand is over."""
        return self.hand is not None and self.hand.is_over

    def returns(self) -> list[float]:
        """Each player's marks: partners get the same, the other team what they lose."""
        score = self.hand.score if self.hand is not None and self.hand.is_over else 0.0
        return [score, -score, score, -score]

    def __str__(self) -> str:
        if self.hand is not None:
            return str(self.hand)
        return f"shaker={self.shaker} dealt={'|'.join(map(self.words, range(NUM_SEATS)))}"


class Observer:
    """The planes of zeb42 as OpenSpiel's named pieces of one flat array, and the notation of the view as the string."""

    def __init__(self, iig_obs_type: Any, params: Any) -> None:  # noqa: ARG002 - one observation serves all
        if params:
            raise ValueError(f"expected no parameters of the observation, got {params}")
        self.tensor = np.zeros(sum(int(np.prod(piece.shape)) for piece in PIECES), np.float32)
        self.dict, start = {}, 0
        for piece in PIECES:
            size = int(np.prod(piece.shape))
            self.dict[piece.name] = self.tensor[start : start + size].reshape(piece.shape)
            start += size

    def set_from(self, state: Texas42State, player: int) -> None:
        """Write what ``player`` sees; while dominoes are dealt, those that it has."""
        if state.hand is not None:
            self.tensor[:] = observe(state.hand.view(player))
        else:
            self.tensor.fill(0)
            self.dict["holding"][state.dealt[7 * player : 7 * player + 7]] = 1

    def string_from(self, state: Texas42State, player: int) -> str:
        """The line of notation of the view of ``player``."""
        if state.hand is not None:
            return str(Hand(state.hand.view(player)))
        return f"seat={player} shaker={state.shaker} dealt={state.words(player)}"


def from_hand(game: pyspiel.Game, hand: Hand) -> pyspiel.State:
    """The state of OpenSpiel in which ``hand`` is, by its deal and its history; one with an auction."""
    state = game.new_initial_state()
    owner = hand.record["owner"]
    for action in [hand.shaker, *np.argsort(owner, kind="stable").tolist(), *(action for _, action in hand.history)]:
        state.apply_action(action)
    return state


def resample(state: Any, player: int, rng: np.random.Generator) -> pyspiel.State:
    """A state that ``player`` cannot tell from ``state``: what it does not see is dealt again."""
    (world,) = worlds.sample(state.hand.view(player), 1, rng)
    return from_hand(state.get_game(), Hand(world))


def search_bot(game: pyspiel.Game, num_simulations: int, seed: int) -> ismcts.ISMCTSBot:
    """OpenSpiel's IS-MCTS with random playouts, over deals that fit what its seat has seen."""
    random, rng = np.random.RandomState(seed), np.random.default_rng(seed)
    evaluator = mcts.RandomRolloutEvaluator(1, random)
    bot = ismcts.ISMCTSBot(game, evaluator, uct_c=2.0, max_simulations=num_simulations, random_state=random)
    bot.set_resampler(lambda state, player: resample(state, player, rng))
    return bot


def play(game: pyspiel.Game, bot: ismcts.ISMCTSBot, team: int, rng: np.random.Generator) -> float:
    """One hand, with ``bot`` at both seats of ``team`` and random opposite; returns the marks that it gains."""
    state = game.new_initial_state()
    while not state.is_terminal():
        player = state.current_player()
        if state.is_chance_node():
            actions: Sequence[int] = [action for action, _ in state.chance_outcomes()]
        else:
            actions = [bot.step(state)] if player % 2 == team else state.legal_actions()
        state.apply_action(int(rng.choice(actions)))
    return float(state.returns()[team])


def main(arguments: list[str] | None = None) -> float:
    """Let IS-MCTS play random, and return its mean marks per hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hands", type=int, default=40)
    parser.add_argument("--simulations", type=int, default=100, help="per decision (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    game, rng = pyspiel.load_game(TYPE.short_name), np.random.default_rng(options.seed)
    bot, start = search_bot(game, options.simulations, options.seed), perf_counter()
    marks = np.array([play(game, bot, number % 2, rng) for number in range(options.hands)])
    spread = 1.96 * marks.std() / np.sqrt(len(marks))
    print(f"{perf_counter() - start:.0f} s, {len(marks)} hands: {marks.mean():+.2f} (+- {spread:.2f}) marks per hand")
    return float(marks.mean())


if TYPE.short_name not in pyspiel.registered_names():
    pyspiel.register_game(TYPE, Texas42Game)

if __name__ == "__main__":
    main()

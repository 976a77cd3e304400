"""What a training run is: one frozen dataclass, and the presets. It is the command line and the saved JSON at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from zeb42_agents.model import ZebConfig
from zeb42_agents.ranges import Between, check_field, check_fields, values_from_json
from zeb42_agents.search import SearchConfig
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env._core.record import MAX_DECISIONS
from zeb42_env.rules import ContractRule, ScoringRule
from zeb42_env.tokenizers import TokenizerName, get_tokenizer

BeliefTarget = Literal["hidden", "all_21"]
ValueTarget = Literal["outcome", "margin"]
Precision = Literal["auto", "float32", "bfloat16"]
LearningRate = Literal["cosine", "constant"]

MANY = 10**9


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run. A cycle plays hands, then learns from the buffer; the first ``teacher_cycles`` are labelled by
    the exact solver, the rest by the search itself."""

    seed: Annotated[int, Between(0, 2**63 - 1)] = 0
    """Of everything random."""
    cycles: Annotated[int, Between(1, MANY)] = 50
    """Cycles in all."""
    teacher_cycles: Annotated[int, Between(0, MANY)] = 47
    """How many of them, from the first on, a teacher labels; the others learn from their own search."""

    size: Literal["small", "medium", "large"] = "small"
    """Of the network."""
    tokenizer: TokenizerName = "v2"
    """How the network reads a view."""
    dropout: Annotated[float, Between(0, 0.9)] = 0.0
    """While learning."""
    base: str = ""
    """Weights to begin from: a folder, a published file or a name, as in ``zeb:laptop``. A base without a belief head
    leaves the head cold. Empty: begin from nothing."""

    contract: ContractRule = "random"
    """How the contracts of the hands it plays come about."""
    scoring: tuple[ScoringRule, ...] = ("majority",)
    """What the hands are played for; the lanes take turns."""

    lanes: Annotated[int, Between(1, 10**6)] = 512
    """Hands played side by side."""
    hands_per_lane: Annotated[int, Between(1, 10**6)] = 1
    """In one cycle."""
    explored_hands: Annotated[float, Between(0, 1)] = 0.5
    """Teacher stage: share of hands that explore, as the next three say. In the others all seats take their likeliest
    action, and only those teach the belief: what a play reveals is why it was chosen, and an explored one was not."""
    temperature: Annotated[float, Between(0.05, 100)] = 1.0
    """Explored hands: actions are drawn by the policy to the power 1/temperature."""
    random_teams: Annotated[float, Between(0, 1)] = 0.4
    """Explored hands: how likely each team takes all its plays (not its calls) at random, so that weak play is met."""
    random_decisions: Annotated[float, Between(0, 1)] = 0.05
    """Explored hands: share of single decisions taken at random."""
    label_worlds: Annotated[int, Between(0, 10**4)] = 0
    """Teacher stage: worlds sampled for each label; 0 solves the deal itself, one unbiased sample for all its views."""
    margin_weight: Annotated[float, Between(0, 1)] = 0.3
    """Teacher stage: share of the points margin in the value of an action, beside won or lost."""
    sims: int = 16
    """Self-play stage: simulations a decision."""
    worlds: int = 8
    """Self-play stage: worlds a decision."""
    solve_tricks: int = 4
    """Self-play stage: tricks from the end on that the exact solver plays out."""
    peek: bool = False
    """ABLATION ONLY, THIS CHEATS: search the true hands, every domino visible, as the published run did."""

    steps_per_cycle: Annotated[int, Between(1, 10**6)] = 100
    """Updates in a cycle."""
    batch_size: Annotated[int, Between(1, 10**6)] = 256
    """Examples in an update."""
    lr: Annotated[float, Between(1e-9, 1)] = 1.5e-3
    """Learning rate of AdamW, after a warm-up of 200 updates."""
    lr_schedule: LearningRate = "cosine"
    """Down to 2% over the cycles, or constant."""
    weight_decay: Annotated[float, Between(0, 1)] = 0.01
    """Of AdamW."""
    max_grad_norm: Annotated[float, Between(1e-6, 1e6)] = 1.0
    """Gradients are clipped to it."""
    average_decay: Annotated[float, Between(0, 1)] = 0.998
    """Of the averaged weights that play and are saved; a share an update."""
    policy_weight: Annotated[float, Between(0, 1e3)] = 1.0
    """Of the policy loss in the sum."""
    value_weight: Annotated[float, Between(0, 1e3)] = 1.0
    """Of the value loss in the sum."""
    belief_weight: Annotated[float, Between(0, 1e3)] = 1.0
    """Of the belief loss in the sum; 0 builds a network without a belief head."""
    advantage_scale: Annotated[float, Between(1e-3, 10)] = 0.15
    """Teacher stage: a value difference of this size makes an action e times as likely."""
    root_value_share: Annotated[float, Between(0, 1)] = 0.0
    """Share of the value that search or teacher saw in the value target, beside the outcome."""
    value_target: ValueTarget = "outcome"
    """Won or lost; ``margin`` is the published margin-scaled form."""
    belief_target: BeliefTarget = "hidden"
    """Where the dominoes still hidden are; ``all_21`` is the published form, played ones included."""

    buffer_examples: Annotated[int, Between(1, MANY)] = 1_000_000
    """Capacity of the buffer."""
    buffer_examples_later: Annotated[int, Between(0, MANY)] = 0
    """Capacity from cycle ``buffer_later_cycle`` on; 0 keeps the first."""
    buffer_later_cycle: Annotated[int, Between(0, MANY)] = 0
    """See ``buffer_examples_later``."""
    min_buffer_examples: Annotated[int, Between(1, MANY)] = 7_000
    """Cycles only play until the buffer holds as many."""
    max_age_cycles: Annotated[int, Between(0, MANY)] = 0
    """Hands older than that are dropped; 0 keeps them until the buffer is full."""

    evaluate_every: Annotated[int, Between(1, MANY)] = 10
    """Cycles between evaluations; the best weights so far are kept by them."""
    evaluate_deals: Annotated[int, Between(1, MANY)] = 200
    """Mirrored deals against each opponent of an evaluation."""
    opponents: tuple[str, ...] = ("random",)
    """Agent specs that evaluations play; their mean win rate decides what is best."""
    final_deals: Annotated[int, Between(1, MANY)] = 1000
    """Mirrored deals against random at the end."""
    belief_hands: Annotated[int, Between(1, MANY)] = 256
    """Fresh hands of self-play that the belief is measured on."""

    device: str = "auto"
    """``auto`` takes CUDA where there is any."""
    precision: Precision = "auto"
    """Of playing; ``auto`` measures at the start. Learning uses bfloat16 on CUDA and float32 on CPU."""
    threads: Annotated[int, Between(0, 4096)] = 0
    """CPU threads of solver, search and network; 0 takes every core."""

    def __post_init__(self) -> None:
        check_fields(self)
        for scoring in self.scoring:
            check_field("scoring", ScoringRule, scoring)
        if not self.scoring:
            raise ValueError("expected at least one scoring, got none")
        if self.teacher_cycles > self.cycles:
            raise ValueError(
                f"expected at most {self.cycles} teacher_cycles, as many as cycles, got {self.teacher_cycles}"
            )
        for most, why in self._reachable_examples():
            if self.min_buffer_examples > most:
                raise ValueError(
                    f"expected min_buffer_examples of at most {why}, {most}, got {self.min_buffer_examples}; "
                    f"no cycle would ever learn"
                )
        if self.smallest_capacity < self.lanes * self.decisions_per_hand:
            raise ValueError(
                f"expected a buffer for at least one hand a lane, {self.lanes * self.decisions_per_hand} examples, "
                f"got {self.smallest_capacity}"
            )
        if self.contract == "auction" and not get_tokenizer(self.tokenizer).reads_calls:
            raise ValueError(
                f"expected a contract that tokenizer {self.tokenizer} can read, got 'auction'; "
                "allowed: random, dropped30, most_trumps"
            )
        self.search_config()
        self.network_config()

    @property
    def smallest_capacity(self) -> int:
        """The least examples the buffer ever has room for."""
        later = self.buffer_examples_later
        return min(self.buffer_examples, later) if later else self.buffer_examples

    def capacity_at(self, cycle: int) -> int:
        """The examples the buffer has room for in ``cycle``."""
        later = self.buffer_examples_later
        return later if later and cycle >= self.buffer_later_cycle else self.buffer_examples

    @property
    def decisions_per_hand(self) -> int:
        """The examples in a hand: with an auction its calls and the declaration too."""
        return MAX_DECISIONS if self.contract == "auction" else NUM_DOMINOES

    def _reachable_examples(self) -> list[tuple[int, str]]:
        """The examples that the buffer can come to hold, by each of its limits: it keeps whole hands."""
        a_hand = self.decisions_per_hand
        a_cycle = self.lanes * self.hands_per_lane * a_hand
        limits = [
            (self.smallest_capacity // a_hand * a_hand, "the buffer's capacity in whole hands"),
            (self.cycles * a_cycle, "what all cycles together play"),
        ]
        if self.max_age_cycles:
            limits.append(((self.max_age_cycles + 1) * a_cycle, "what max_age_cycles leaves in the buffer"))
        return limits

    def network_config(self) -> ZebConfig:
        """The shape of the network."""
        return ZebConfig.named(
            self.size, tokenizer=self.tokenizer, belief_head=self.belief_weight > 0, dropout=self.dropout
        )

    def search_config(self, *, threads: int = 1, pipeline: bool = False) -> SearchConfig:
        """The search of the self-play stage: noise at the root, so that it explores. ``pipeline`` is for CUDA."""
        return SearchConfig(
            sims=self.sims,
            worlds=1 if self.peek else self.worlds,
            solve_tricks=self.solve_tricks,
            gumbel_scale=1.0,
            belief="net" if self.belief_weight > 0 else "legality",
            threads=threads,
            pipeline=pipeline,
        )

    def to_json(self) -> dict[str, Any]:
        """What ``config.json`` says."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> TrainConfig:
        """The configuration of a saved run; ValueError names what does not belong."""
        return cls(**values_from_json(content, LAPTOP, "a training configuration"))


LAPTOP = TrainConfig()
PRESETS: dict[str, TrainConfig] = {
    # Two CPU cores, under ten minutes.
    "laptop": LAPTOP,
    # The same for an hour: six times the hands. It made the weights zeb:laptop.
    "hour": replace(
        LAPTOP, cycles=320, teacher_cycles=300, evaluate_every=20, evaluate_deals=500, opponents=("random", "greedy")
    ),
    # The published run: large with a belief head on a trained base without one, v1, its own search as the teacher. Its
    # limit of 600 seconds of age was for files on their way to the learner; what had arrived stayed until it was full.
    "large-belief": replace(
        LAPTOP,
        size="large",
        tokenizer="v1",
        dropout=0.1,
        cycles=3743,
        teacher_cycles=0,
        lr=1e-4,
        lr_schedule="constant",
        batch_size=64,
        steps_per_cycle=1000,
        sims=50,
        worlds=16,
        buffer_examples=1_000_000,
        buffer_examples_later=500_000,
        buffer_later_cycle=3300,
        min_buffer_examples=250_000,
        belief_target="all_21",
        belief_weight=0.5,
        evaluate_every=10,
    ),
    # One modern GPU with many cores beside it.
    "gpu": replace(
        LAPTOP,
        size="large",
        cycles=400,
        teacher_cycles=200,
        lanes=4096,
        batch_size=4096,
        steps_per_cycle=500,
        lr=6e-4,
        sims=32,
        worlds=16,
        buffer_examples=8_000_000,
        min_buffer_examples=200_000,
        evaluate_deals=1000,
        final_deals=5000,
        opponents=("random", "greedy", "zeb:laptop"),
    ),
}

"""What a ladder is: one frozen dataclass that is the command line and the saved JSON at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from zeb42_agents.evidence import MAX_RESAMPLE, Evidence, new_evidence
from zeb42_agents.minds.weights import MAX_WIDTH, is_mind
from zeb42_agents.ranges import Between, check_fields, values_from_json
from zeb42_agents.search.config import SOLVE_TRICKS
from zeb42_agents.training.config import MANY

KIND = "ladder"


@dataclass(frozen=True, kw_only=True)
class LadderConfig:
    """A ladder of minds."""

    seed: Annotated[int, Between(0, 2**63 - 1)] = 0
    """Of everything random."""
    rungs: Annotated[int, Between(1, MANY)] = 1000
    """Rungs in all, beyond the bottom one."""
    base: str = "laptop"
    """What the bottom rung learns from: a Zeb network, whose plays it imitates and which learns the labels, or a mind,
    which it then is; a ladder from a mind has no network."""
    mind: str = ""
    """The mind to begin with, where ``--base`` is a network. Nothing is imitated then; the network learns the labels
    that are made with this mind."""
    base_views: Annotated[int, Between(1000, MANY)] = 600_000
    """Views that the bottom rung imitates a Zeb network in."""
    width: Annotated[int, Between(1, MAX_WIDTH)] = 256
    """Units of the first layer."""
    second_width: Annotated[int, Between(1, MAX_WIDTH)] = 128
    """Units of the second layer."""

    chunks: Annotated[int, Between(1, MANY)] = 40
    """Files of labels in a rung; what a crash loses are those under way, one for each worker."""
    hands: Annotated[int, Between(1, 10**6)] = 128
    """Hands played for a chunk."""
    majority: Annotated[float, Between(0, 1)] = 0.35
    """Share of the hands that are played in the published format, for a majority after a random contract; the others
    follow all the other protocols."""
    labelled: Annotated[float, Between(0.01, 1)] = 0.35
    """Share of the states with a choice that are labelled."""
    strangers: tuple[str, ...] = ("greedy", "random", "eq:n=3")
    """Agents at half of the tables, as the mind's opponents or its partner; name weights that do not change."""
    search_worlds: Annotated[int, Between(0, 10**4)] = 16
    """Worlds of one more stranger, a search over the mind; 0: no such player."""
    dice_worlds: Annotated[int, Between(0, 10**4)] = 8
    """The same of one that takes the others to play at random."""
    label_worlds: Annotated[int, Between(0, 10**4)] = 24
    """Worlds of a label; 0: no search, each play is carried out in the very deal, the mind at all four seats
    (``--held-out-worlds`` must be 0, too)."""
    thin: Annotated[int, Between(1, 10**4)] = 6
    """Groups of fewer worlds leave the searcher's later decisions to the mind."""
    solve_tricks: Annotated[int, Between(0, 7)] = SOLVE_TRICKS
    """Worlds with so many whole tricks left are solved; 0 plays all to the end."""
    solved: Annotated[float, Between(0, 1)] = 0.0
    """Share of a label's value that comes from solving the same worlds at once, with all hands open."""
    resample: Annotated[int, Between(0, MAX_RESAMPLE)] = 0
    """Candidates drawn for each world of a label; those that explain the calls better are kept more often. 0: no
    weighing."""
    plays: Annotated[float, Between(0, 100)] = 0.0
    """The temperature at which the mind's policy says how likely the plays were, beside the calls; 0: they are not
    asked about. Note that about a third of the plays in these hands are a stranger's, or explored."""
    explore: Annotated[float, Between(0, 1)] = 0.1
    """Share of the mind's plays that are taken at random on the way."""
    held_out_hands: Annotated[int, Between(1, 10**6)] = 320
    """Hands of a rung whose states are labelled to judge minds, and never learned."""
    held_out_worlds: Annotated[int, Between(0, 10**4)] = 160
    """Worlds of a held-out label; 0: outcomes, as with ``--label-worlds 0``."""

    keep: Annotated[int, Between(1, MANY)] = 30
    """Rungs whose labels are learned from: the newest ones."""
    passes: Annotated[float, Between(0.01, 1000)] = 2.0
    """Times that a rung goes through the labels it learns from."""
    least_steps: Annotated[int, Between(1, MANY)] = 600
    """Updates of a rung at least: the first ones have few labels."""
    most_steps: Annotated[int, Between(1, MANY)] = 4000
    """Updates of a rung at most."""
    batch_size: Annotated[int, Between(1, 10**6)] = 512
    """Labels in an update."""
    lr: Annotated[float, Between(1e-9, 1)] = 2e-3
    """Learning rate of AdamW, down to 2% over a rung."""
    weight_decay: Annotated[float, Between(0, 1)] = 0.01
    """Of AdamW."""
    regret_weight: Annotated[float, Between(0, 1e4)] = 20.0
    """Of the expected regret, beside the cross-entropy of each play's success."""
    regret_temperature: Annotated[float, Between(1e-3, 100)] = 0.5
    """Of the policy that the regret is expected under."""

    network_passes: Annotated[float, Between(0, 1000)] = 1.0
    """Times that the network goes through the labels in a rung; 0 is a ladder without one, whose mind learns
    from labels alone."""
    network_lr: Annotated[float, Between(1e-9, 1)] = 1e-3
    """Learning rate of the network, down to 2% over a rung."""
    answered_hands: Annotated[int, Between(1, 10**7)] = 20_000
    """Hands of a rung in whose states the network answers for the mind."""

    measure_every: Annotated[int, Between(1, MANY)] = 4
    """Rungs between measurements of strength."""
    measure_deals: Annotated[int, Between(1, MANY)] = 400
    """Mirrored deals of each measurement."""
    opponents: tuple[str, ...] = ("eq:n=10",)
    """Agents that it is measured against, besides its own bottom rung."""

    workers: Annotated[int, Between(1, 4096)] = 1
    """Threads that label, each a file at a time; one sees to all that is held out. Changes no result."""
    hours: Annotated[float, Between(0, 1e6)] = 0.0
    """Stop at the end of a rung after so long; 0 goes on to the last."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.least_steps > self.most_steps:
            raise ValueError(f"expected least_steps of at most most_steps {self.most_steps}, got {self.least_steps}")
        self.evidence()
        searched = ("solved", "resample", "plays")
        if self.label_worlds == 0 and (given := [name for name in searched if getattr(self, name)]):
            raise ValueError(f"expected no {', '.join(given)} beside label_worlds 0: these are of a search")
        if self.label_worlds == 0 and self.held_out_worlds:
            raise ValueError(
                f"expected held_out_worlds 0 beside label_worlds 0, got {self.held_out_worlds}: a search would judge "
                f"by other lights than those that the mind learns by"
            )

    @property
    def has_network(self) -> bool:
        """Whether a network learns the labels, too."""
        return self.network_passes > 0 and not is_mind(self.base)

    def evidence(self) -> Evidence:
        """How the worlds of a label are weighed; ValueError for options that contradict one another."""
        return new_evidence(self.resample, plays=self.plays)

    def to_json(self) -> dict[str, Any]:
        """What ``config.json`` says."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> LadderConfig:
        """The configuration of a saved run; ValueError names what does not belong."""
        values = {name: value for name, value in content.items() if name != "kind"}
        if content.get("kind") != KIND:
            raise ValueError(f"expected the configuration of a ladder, got {content.get('kind')!r}")
        return cls(**values_from_json(values, cls(), "the configuration of a ladder"))

"""A review as text: a line for each decision as it is found, then the worst, the graph and the summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zeb42_agents.arena.text import plain
from zeb42_agents.play.calls import CallHindsight
from zeb42_agents.play.review import Review, Step, graph_seat
from zeb42_agents.play.verdicts import GRADES, CouldKnow, Hindsight
from zeb42_env import Hand, action_text
from zeb42_env._core import record as core
from zeb42_env.rules import points_text
from zeb42_env.svg import named
from zeb42_env.wording import contract_text, turn_text

NUM_WORST = 5
SHOWN_CONTRACTS = 2
_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.-=+*%@"
COLUMNS = f"{'':<8} {'':<26} {'what could be known':<38} {'hindsight'}"


def head_lines(hand: Hand, title: str, seats: Sequence[str]) -> list[str]:
    """What stands above a review."""
    lines = [plain(title)] if title else []
    outcome = turn_text(hand) if hand.is_over else f"not over: {turn_text(hand)}"
    return [*lines, str(hand), named(f"{contract_text(hand)}. {outcome}.", seats), "", COLUMNS]


def step_line(step: Step, seats: Sequence[str], *, brief: bool = False) -> str:
    """One decision on one line; ``brief`` for two hands side by side."""
    where = f"trick {step.trick}" if step.trick else ("calls" if step.kind == "bid" else "trump")
    verdict, hindsight = step.could_know, step.hindsight
    could_know = "" if verdict is None else _grade_and_loss(verdict, brief)
    known = "" if hindsight is None else _hindsight_short(hindsight)
    did = said(step, seats)
    if brief:
        return f"{where:<8} {did:<20} {could_know:<24} {known}".rstrip()
    return f"{where:<8} {did:<26} {could_know:<38} {known}".rstrip()


def said(step: Step, seats: Sequence[str]) -> str:
    """What a seat did: ``seat 0 bids 31``, ``you lead 6-4``."""
    name = plain(seats[step.seat])
    ending = "" if name.lower() == "you" else "s"
    if step.action == core.PASS:
        return f"{name} pass{'es' if ending else ''}"
    verb = {"bid": "bid", "trump": "name", "lead": "lead", "follow": "play"}[step.kind]
    return f"{name} {verb}{ending} {step.text}"


def end_lines(review: Review, seats: Sequence[str], *, unicode: bool = True) -> Iterator[str]:
    """The worst decisions in words, the graph, and the summary."""
    worst = review.worst
    yield ""
    if not worst:
        yield "Nothing that was done cost anything beyond doubt, by what could be known."
    else:
        yield "Worst first, by what could be known:"
        for number, step in enumerate(worst[:NUM_WORST], start=1):
            yield from _in_words(number, step, seats)
    if len(worst) > NUM_WORST:
        yield f"and {len(worst) - NUM_WORST} more."
    yield ""
    yield from graph_lines(review, seats, unicode=unicode)
    yield str(review.summary)


def graph_lines(review: Review, seats: Sequence[str], *, unicode: bool = True) -> Iterator[str]:
    """The share of winning through the hand, a letter for each play: by what could be known, and by hindsight."""
    known = [step.win_could_know for step in review.steps if step.win_could_know is not None]
    exact = [step.win_hindsight for step in review.steps if step.win_hindsight is not None]
    if not known:
        return
    of = plain(seats[graph_seat(review.hand, review.seats)])
    yield f"Share of winning before each play, for {of}:"
    yield f"  could know  {_spark(known, unicode)}  {known[0]:.0%} at first, {known[-1]:.0%} at last"
    if exact:
        yield f"  hindsight   {_spark(exact, unicode)}"
    yield ""


def reason(step: Step) -> str:
    """Why the verdict is what it is, in a sentence."""
    verdict = step.could_know
    if verdict is None or verdict.grade == "forced":
        return "There was no choice."
    played, best = verdict.option, verdict.options[0]
    if played.loss == 0:
        level = [option for option in verdict.options if option.loss == 0]
        if len(level) == len(verdict.options):
            return "All choices were worth the same in every world."
        return f"Nothing was better over {verdict.num_worlds} worlds."
    verb = {"win": "wins", "points": "takes", "marks": "is worth"}[verdict.unit]
    both = ", ".join(f"{action_text(o.action)} {verb} {value_text(verdict, o.value)}" for o in (best, played))
    less = f"{amount_text(verdict, played.loss)} less, give or take {amount_text(verdict, 2 * played.se)}"
    return f"{both}: {less}, over {verdict.num_worlds} worlds."


def hindsight_words(step: Step) -> str:
    """What hindsight says, in a sentence."""
    found = step.hindsight
    if found is None:
        return ""
    if isinstance(found, CallHindsight):
        return f"With all hands open {found.text}."
    if not found.given_away:
        return "With all hands open it gave nothing away."
    lost = ", and so the hand" if found.lost_it else ""
    best = ", ".join(
        action_text(action) for action, points in found.points.items() if points == max(found.points.values())
    )
    return f"With all hands open it gave away {points_text(found.given_away)}{lost}; best was {best}."


def contract_words(step: Step) -> list[str]:
    """Of a call: what the best declarations make, at the table and with perfect play."""
    if step.contracts is None:
        return []
    shown = step.contracts.to_json()["declarations"][:SHOWN_CONTRACTS]
    return [
        f"{row['text']}: 30 made {row['at_table'][0]:.0%} of the time at the table "
        f"({row['makes'][0]:.0%} with perfect play), {row['points']:.0f} points"
        for row in shown
    ]


def _in_words(number: int, step: Step, seats: Sequence[str]) -> Iterator[str]:
    verdict = step.could_know
    assert verdict is not None
    where = f"trick {step.trick}, " if step.trick else ""
    yield f"{number:>2}. {where}{said(step, seats)}: {GRADES[verdict.grade]}."
    yield f"    {reason(step)}"
    yield from (f"    {words}" for words in contract_words(step))
    if step.opinion is not None:
        yield f"    The agent would have chosen {action_text(step.opinion.chosen)}."
    if step.hindsight is not None:
        yield f"    Hindsight: {hindsight_words(step)}"


def _grade_and_loss(verdict: CouldKnow, brief: bool) -> str:
    words = GRADES[verdict.grade]
    if verdict.grade in ("forced", "best"):
        return words
    loss = f"-{amount_text(verdict, verdict.option.loss)}"
    if brief:
        return f"{words} {loss}"
    return f"{words} {loss} +-{amount_text(verdict, 2 * verdict.option.se)}, {action_text(verdict.options[0].action)}"


def _hindsight_short(found: Hindsight | CallHindsight) -> str:
    if isinstance(found, CallHindsight):
        return found.text
    if not found.given_away:
        return ""
    return f"-{found.given_away}" + (", and the hand" if found.lost_it else "")


def amount_text(verdict: CouldKnow, number: float) -> str:
    """A difference in the unit of the verdict."""
    return bare(verdict, number) + {"win": "", "points": " points", "marks": " marks"}[verdict.unit]


def bare(verdict: CouldKnow, number: float) -> str:
    """The same, the unit left out where it is a word."""
    return {"win": f"{100 * number:.0f}%", "points": f"{number:.1f}", "marks": f"{number:.2f}"}[verdict.unit]


def value_text(verdict: CouldKnow, number: float) -> str:
    """What a candidate is worth, in the unit of the verdict."""
    return f"{number:+.2f} marks" if verdict.unit == "marks" else amount_text(verdict, number)


def _spark(shares: Sequence[float], unicode: bool) -> str:
    bars = _BARS if unicode else _PLAIN_BARS
    return "".join(bars[min(len(bars) - 1, int(share * len(bars)))] for share in shares)

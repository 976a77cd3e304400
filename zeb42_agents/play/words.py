"""What players say at a table, read in the phase that it is said in: ``42`` is a bid, and later a domino."""

from __future__ import annotations

import re

from zeb42_env._core import dominoes as tiles
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Declaration, Phase, action_text, domino_text

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")
_PIPS = {name: pip for pip, name in enumerate(_NUMBERS)} | {str(pip): pip for pip in range(7)}
_PIPS |= {"blank": 0, "ace": 1, "deuce": 2, "trey": 3}
_SUITS = {str(Declaration(pip)): pip for pip in range(7)} | {f"{pip}s": pip for pip in range(7)} | _PIPS
_SUITS |= {"zeros": 0, "zeroes": 0, "aces": 1, "deuces": 2, "treys": 3}
_SUITS |= {"doubles": tiles.DOUBLES_TRUMP, "doubles suit": tiles.DOUBLES_SUIT_ONLY}
_SUITS |= {"doubles a suit": tiles.DOUBLES_SUIT_ONLY}
_SUITS |= dict.fromkeys(("no trump", "no trumps", "notrump", "nt", "none", "follow me", "followme"), tiles.NO_TRUMP)
_MARKS = {**{str(n): n for n in range(1, 6)}, "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def read_action(text: str, view: Hand) -> int:
    """The legal action that ``text`` says for the seat to move in ``view``.

    In the auction ``31``, ``42``, ``84``, ``2 marks``, ``pass``; then ``fives``, ``5s``, ``follow me``; then ``6-4``,
    ``64``, ``6|4``, ``double five``. ValueError says what is allowed, and why not if it was a domino.
    """
    if view.is_over:
        raise ValueError(f"expected nothing, the hand is over; got {text!r}")
    action, legal = read_said(text, view.phase), view.legal_actions()
    if action in legal:
        return action
    allowed = ", ".join(action_text(a) for a in legal)
    if action is None:
        raise ValueError(f"expected {_expected(view.phase)}, got {text.strip()!r}; allowed: {allowed}")
    raise ValueError(f"{action_text(action)} is not allowed here: {why_not(action, view)}; allowed: {allowed}")


def read_said(text: str, phase: Phase) -> int | None:
    """The action that ``text`` says in ``phase``, allowed or not; None if it is none."""
    read = {Phase.AUCTION: _call, Phase.DECLARATION: _declaration}.get(phase, read_domino)
    return read(_plain(text))


def why_not(action: int, view: Hand) -> str:
    """Why the seat to move may not take ``action``, in words."""
    if view.phase != Phase.TRICKS:
        return "it does not top the last bid" if view.bid else "nobody may say that now"
    if action not in view.holding(view.to_move):
        return "you do not hold it"
    following = [domino_text(domino) for domino in reversed(view.legal_actions())]
    return f"{led_text(view)} were led and you hold {', '.join(following)}"


def led_text(view: Hand) -> str:
    """The suit that was led to the trick under way, as players name it: ``fours``, ``trumps``, ``doubles``."""
    record = view.record
    first = int(record["num_plays"]) // 4 * 4
    suit = int(tiles.LED_SUIT[record["declaration"], record["plays"][first]])
    if suit == record["declaration"]:
        return "trumps"
    return "doubles" if suit == tiles.DOUBLES_SUIT else str(Declaration(suit))


def read_domino(text: str) -> int | None:
    """The domino that ``text`` names: ``6-4``, ``64``, ``6|4``, ``4/6``, ``six four``, ``double five``; else None."""
    words = re.sub(r"[-|:/.,]", " ", _plain(text)).split()
    if len(words) == 1 and len(words[0]) == 2:
        words = list(words[0])
    if len(words) == 2 and words[0] == "double":
        pip = _SUITS.get(words[1], 9)
        words = [str(pip), str(pip)]
    pips = [_PIPS.get(word) for word in words]
    if len(pips) != 2 or pips[0] is None or pips[1] is None:
        return None
    return tiles.domino_id(pips[0], pips[1])


def read_dominoes(text: str, *, count: int = tiles.NUM_TRICKS) -> list[int]:
    """The ``count`` dominoes that ``text`` lists: ``5-5 5-4 5-1 ...``, ``55.54.51``, between spaces, commas or dots.

    ValueError points at the word that is none, or is there twice.
    """
    words = [word for word in re.split(r"[\s,;.]+", text.strip()) if word]
    found: list[int] = []
    for place, word in enumerate(words, 1):
        domino = read_domino(word)
        if domino is None:
            raise ValueError(f"at entry {place}: expected a domino such as 6-4, got {word!r}")
        if domino in found:
            raise ValueError(f"at entry {place}: {domino_text(domino)} is there twice")
        found.append(domino)
    if len(found) != count:
        raise ValueError(f"expected {count} dominoes, got {len(found)}")
    return found


def _plain(text: str) -> str:
    """Lower case, one space between words, without what is said around them."""
    text = re.sub(r"['’!?*]", "", " ".join(text.split()).lower()).strip(" .")
    return re.sub(r"^(i )?(bid|ill bid|call|play|go) ", "", text)


def _call(text: str) -> int | None:
    if text in ("pass", "p", "i pass", "check"):
        return core.PASS
    marks = re.fullmatch(r"(?:(\w+)[ -])?marks?", text)
    if marks:
        return _marks(_MARKS.get(marks[1] or "a"))
    if not text.isdecimal() or len(text) > 3:
        return None
    points = int(text)
    if points >= tiles.HAND_POINTS:
        return _marks(points // tiles.HAND_POINTS if points % tiles.HAND_POINTS == 0 else None)
    return core.BID_POINTS + points - core.MIN_BID if points >= core.MIN_BID else None


def _marks(marks: int | None) -> int | None:
    return core.BID_MARKS + marks - 1 if marks is not None and marks <= core.MAX_MARKS_BID else None


def _declaration(text: str) -> int | None:
    text = re.sub(r"( are| is)?( trumps?)$", "", text.replace("-", " ")) if text not in _SUITS else text
    declaration = _SUITS.get("no trump" if text == "no" else text)
    return None if declaration is None else core.DECLARE + declaration


def _expected(phase: Phase) -> str:
    return {
        Phase.AUCTION: "a bid such as 31, 42, 84, 2 marks, or pass",
        Phase.DECLARATION: "trump such as fives, 5s, doubles, or follow me",
    }.get(phase, "a domino such as 6-4")

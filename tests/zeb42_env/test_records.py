"""The gate for records from outside: what play makes passes, foreign bytes do not, and nothing crashes."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import ALL_RULES, random_position

from zeb42_env import HAND, Hand, NotationError, Rules, as_records, check_records
from zeb42_env._core.gate import FLAWS, find_flaws

MATCH = Rules(episode="match")
KINDS = (*ALL_RULES, MATCH)


def positions(num: int) -> np.ndarray:
    """Hands and views in all phases, of all rules."""
    found = []
    for seed in range(num):
        hand = random_position(seed, KINDS[seed % len(KINDS)], decisions=seed % 35)
        found += [hand.record, *(hand.view(seat) for seat in range(4))]
    return np.array(found, HAND)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(KINDS), decisions=st.integers(0, 33))
def test_what_play_makes_passes(seed: int, rules: Rules, decisions: int) -> None:
    hand = random_position(seed, rules, decisions)
    records = np.array([hand.record, *(hand.view(seat) for seat in range(4))], HAND)
    assert find_flaws(records).tolist() == [0] * 5
    assert check_records(records) is records


def changed(records: np.ndarray, rng: np.random.Generator, num_bytes: int) -> np.ndarray:
    """Copies of the records with some bytes of each replaced."""
    raw = records.copy().view(np.uint8).reshape(len(records), -1)
    for row in raw:
        row[rng.choice(len(row), num_bytes, replace=False)] = rng.integers(0, 256, num_bytes, dtype=np.uint8)
    return raw.reshape(-1).view(HAND)


def test_foreign_bytes_are_refused_and_never_crash() -> None:
    rng, good = np.random.default_rng(0), positions(70)
    for num_bytes in (1, 2, 8, 96):
        bad = changed(good, rng, num_bytes)
        flaws = find_flaws(bad)
        same = (bad.view(np.uint8) == good.view(np.uint8)).reshape(len(good), -1).all(1)
        assert (flaws[same] == 0).all()
        for b in np.flatnonzero(flaws == 0):  # what still passes is another hand that play can have made
            hand = Hand(bad[b])
            assert Hand.parse(str(hand)) == hand
        assert (flaws[~same] > 0).mean() > 0.8


def test_every_bit_of_what_was_played_counts() -> None:
    hand = random_position(7, Rules(), decisions=20).record
    where = {name: HAND.fields[name][1] for name in HAND.names}  # type: ignore[index, union-attr]
    rules = {*range(where["declarations"], where["bid"]), *range(where["marks"], HAND.itemsize)}
    for byte in sorted(set(range(HAND.itemsize)) - rules):
        for bit in range(8):
            bad = np.array([hand])
            bad.view(np.uint8)[byte] ^= 1 << bit
            assert find_flaws(bad)[0] > 0, (byte, bit)


FIELDS: tuple[tuple[str, Callable[[np.ndarray], None]], ...] = (
    ("rules", lambda h: h["scoring"].fill(4)),
    ("rules", lambda h: h["declarations"].fill(1 << 10)),
    ("rules", lambda h: h["marks"].fill(-1)),
    ("deal", lambda h: h["owner"].fill(100)),
    ("deal", lambda h: h["shaker"].fill(-1)),
    ("deal", lambda h: h["seat"].fill(4)),
    ("contract", lambda h: h["calls"].fill(45)),
    ("contract", lambda h: h["declaration"].fill(8)),
    ("plays", lambda h: h["num_plays"].fill(127)),
    ("plays", lambda h: h["plays"].fill(-128)),
    ("state", lambda h: h["phase"].fill(0)),
    ("state", lambda h: h["points"].fill(21)),
    ("state", lambda h: h["held"].fill(0)),
)


@pytest.mark.parametrize(("word", "change"), FIELDS)
def test_the_crafted_files_of_the_hostile_test(word: str, change: Callable[[np.ndarray], None]) -> None:
    hands = np.array([random_position(3, Rules(), decisions=25).record] * 3)
    change(hands[1:2])
    with pytest.raises(ValueError, match=rf"expected hands that play can make, got .*{word}.* in number 1 of 3"):
        check_records(hands, "hands")
    with pytest.raises(ValueError, match="expected a HAND record that play can make"):
        Hand(hands[1])


def test_a_view_that_no_deal_agrees_with_is_refused() -> None:
    """Found by fuzzing: a seat plays a suit that it failed to follow; or three seats cannot hold what is hidden."""
    head = "zeb42/1 deal=66.65.64.63.62.61.60|?|?|? seat=0 shaker=0 contract=0:30:sixes plays="
    good = head + "66.55.54.53,65"
    assert str(Hand.parse(good)) == good
    base = "zeb42/1 deal=55.54.53.52.51.50.66|?|?|? seat=0 shaker=0 contract=0:30:fives scoring=contract plays="
    revoked = base + "55.44.65.43,54.33.32.65"
    with pytest.raises(NotationError, match="plays"):
        Hand.parse(revoked)
    later = base.replace("fives", "no-trump") + "55.44.43.65,66.64"
    with pytest.raises(NotationError, match=r"no deal|not legal"):
        Hand.parse(later.replace("66.64", "66.63.65"))
    renege = base.replace("fives", "no-trump") + "66.44.43.42,55.64"
    with pytest.raises(NotationError, match="not legal"):
        Hand.parse(renege)
    nobody = "zeb42/1 deal=66.65.64.63.62.61.00|?|?|? seat=0 shaker=0 contract=0:30:no-trump plays="
    with pytest.raises(NotationError, match=FLAWS[6]):
        Hand.parse(nobody + "00.55.44.33")  # 1-0 to 6-0 but the viewer's are left: nobody may hold them


def from_file(records: np.ndarray) -> np.ndarray:
    """The same records by way of a file."""
    file = io.BytesIO()
    np.save(file, records)
    file.seek(0)
    return np.load(file)


def test_records_take_the_form_that_kernels_were_compiled_for() -> None:
    records = positions(3)
    read_only = records.copy()
    read_only.flags.writeable = False
    odd = np.frombuffer(b"x" + records.tobytes(), np.uint8)[1:].view(HAND)
    loaded = from_file(records)
    assert loaded.dtype == HAND
    assert not loaded.dtype.isalignedstruct
    for outside in (loaded, read_only, odd, records[::-1][::-1], records[:, None]):
        taken = as_records(outside)
        assert taken.dtype.isalignedstruct
        assert taken.flags.c_contiguous
        assert taken.flags.aligned
        assert taken.flags.writeable
        assert taken.tobytes() == records.tobytes()
    assert as_records(records) is records
    for bad in (np.zeros(3), [1], None):
        with pytest.raises(ValueError, match="expected records to be HAND records, got"):
            as_records(bad)

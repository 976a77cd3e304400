"""The fast encoder of the tokens against the plain one, bit for bit; and the table of columns tells the truth."""

from __future__ import annotations

import numpy as np
import pytest
import reference_tokens
from playing import ALL_RULES, random_position

from zeb42_env import HAND, Hand, observation
from zeb42_env._core import columns, planes, tokens
from zeb42_env._core.tables import views_of
from zeb42_env.tokenizers import TOKENIZERS, V1, V2, get_tokenizer

POSITIONS_OF_EACH = 150
SHAPE = (columns.NUM_TOKENS, columns.NUM_COLUMNS)


@pytest.mark.parametrize("rules", ALL_RULES, ids=str)
def test_the_fast_encoder_writes_what_the_plain_one_does(rules):
    hands = np.array([random_position(seed, rules).record for seed in range(POSITIONS_OF_EACH)], HAND)
    for seat in range(4):
        seats = np.full(len(hands), seat, np.int8)
        views = views_of(hands, seats)
        plain = np.zeros((len(hands), *SHAPE), np.int8)
        reference_tokens.encode_v2(views, plain)
        of_views, of_hands = (np.full(plain.shape, 99, np.int8) for _ in range(2))
        tokens.encode(views, of_views)
        tokens.encode_seats(hands, seats, of_hands.reshape(len(hands), -1))
        assert np.array_equal(of_views, plain)
        assert np.array_equal(of_hands, plain)  # the encoder sees no more of a full hand than of the seat's view
        assert (plain >= 0).all()
        assert (plain <= columns.HIGHS).all()


def tokens_of(line: str, seat: int) -> np.ndarray:
    return V2.encode(np.array([Hand.parse(line).view(seat)], HAND))[0]


def test_columns_reach_what_the_table_says():
    """5-5, 6-4 and a five in one trick are 25, where the table once said 21; marks are more than seven."""
    line = (
        "zeb42/1 deal=55.54.53.52.51.22.11|64.63.62.61.60.33.00|50.44.43.42.40.31.30|66.65.41.32.21.20.10 shaker=0 "
        "contract=0:210:no-trump plays=55.64.50 marks=99-0"
    )
    start = columns.starts(columns.SITUATION_COLUMNS)
    row = tokens_of(line, 3)[columns.SITUATION]
    for name, value in (("trick_count", 25), ("their_marks", 99), ("marks_bid", 5), ("points_bid", 42)):
        assert row[start[name]] == value
        assert columns.HIGHS[columns.SITUATION, start[name]] == value
    assert tokens_of(line.replace("plays=55.64.50 ", ""), 3)[columns.SITUATION, start["they_need"]] == 42
    assert tokens_of(line, 3)[2, columns.starts(columns.SEAT_COLUMNS)["candidates"]] <= 21


def test_networks_go_on_with_the_scale_that_they_were_trained_with():
    """By now not always the largest value: bundled weights know their columns by these units."""
    units = {"trick_count": 21, "our_marks": 7, "their_marks": 7, "fellows": 7}
    rows = [0] + [1] * 4 + [2] * 28
    for token, kind in enumerate(rows):
        place = 0
        for column in tuple(columns.KINDS.values())[kind]:
            wanted = np.float32(1 / units.get(column.name, column.high))
            assert (columns.SCALE[token, place : place + column.width] == wanted).all()
            place += column.width
        assert (columns.SCALE[token, place:] == 1).all()
        assert (columns.HIGHS[token, place:] == 0).all()


def test_the_space_and_the_page_say_what_the_table_says():
    space = observation.observation_array_space("tokens")
    assert np.array_equal(space.high, np.maximum(columns.HIGHS, 1))
    assert not space.low.any()
    table = observation.columns_table()
    assert table.count("\n") == 1 + sum(map(len, columns.KINDS.values()))
    assert "| 0, the situation | 33 | `trick_count` | 0..25 |" in table
    for kind in columns.KINDS.values():
        assert len({column.name for column in kind}) == len(kind)
    assert planes.HIGHS.max() == 99


def test_tokenizers_by_name():
    hands = np.array([random_position(seed, ALL_RULES[2]).record for seed in range(20)], HAND)
    views = views_of(hands, hands["to_move"])
    for tokenizer in TOKENIZERS.values():
        assert get_tokenizer(tokenizer.name) is tokenizer
        assert tokenizer.readable(views).all()
        written = tokenizer.encode(views)
        assert written.shape == (20, tokenizer.num_tokens, tokenizer.num_features)
        assert written.dtype == np.int8
        assert (tokenizer.categories is None) != (tokenizer.scale is None)
        assert tokenizer.slots(views).shape == (20, 7 * tokenizer.has_slots)
    assert V1.slots(views)[0].tolist() == np.flatnonzero(views[0]["owner"] == views[0]["seat"]).tolist()
    auction = np.array([Hand.deal(1).view(0)], HAND)
    assert [t.readable(auction).tolist() for t in (V1, V2)] == [[False], [True]]
    with pytest.raises(ValueError, match="expected a tokenizer, got 'v3'; allowed: v1, v2"):
        get_tokenizer("v3")

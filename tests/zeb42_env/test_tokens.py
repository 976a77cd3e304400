"""The fast encoder of the tokens of v2 against the plain one, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import reference_tokens
from playing import ALL_RULES, random_position

from zeb42_env import HAND
from zeb42_env._core import tokens as tk
from zeb42_env._core.tables import views_of

POSITIONS_OF_EACH = 150


@pytest.mark.parametrize("rules", ALL_RULES, ids=str)
def test_the_fast_encoder_writes_what_the_plain_one_does(rules):
    hands = np.array([random_position(seed, rules).record for seed in range(POSITIONS_OF_EACH)], HAND)
    shape = (len(hands), tk.V2_TOKENS, tk.V2_FEATURES)
    for seat in range(4):
        seats = np.full(len(hands), seat, np.int8)
        views = views_of(hands, seats)
        plain = np.zeros(shape, np.int8)
        reference_tokens.encode_v2(views, plain)
        of_views, of_hands, of_one = (np.full(shape, 99, np.int8) for _ in range(3))
        tk.encode_v2(views, of_views)
        tk.encode_seats_v2(hands, seats, of_hands.reshape(len(hands), -1))
        tk.encode_one_v2(views[0], of_one[0])
        assert np.array_equal(of_views, plain)
        assert np.array_equal(of_hands, plain)  # the encoder sees no more of a full hand than of the seat's view
        assert np.array_equal(of_one[0], plain[0])

"""Text and pictures of the table."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import ALL_RULES, random_position, redealt, render_test

import zeb42_env
from zeb42_env import Hand, Rules, Texas42Env, Texas42VectorEnv, domino_text, render
from zeb42_env.rules import points_text

MIDDLE_OF_A_TRICK = random_position(3, decisions=18)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(ALL_RULES), over=st.booleans(), unicode=st.booleans())
def test_text_shows_every_domino_once(seed, rules, over, unicode):
    hand = random_position(seed, rules, decisions=33 if over else None)
    text = render.ansi(hand.record, unicode=unicode)
    assert max(map(len, text.splitlines())) <= 90
    tiles = text.replace("|", "-")
    for seat in range(4):
        for domino in hand.holding(seat):
            assert tiles.count(domino_text(domino)) == 1
    assert text.isascii() or unicode
    for team in (0, 1):
        assert points_text(hand.points[team]) in text


def test_text_of_a_view_hides_the_other_hands():
    hand = MIDDLE_OF_A_TRICK
    other = redealt(hand, 1, np.random.default_rng(0))
    assert other != hand
    assert render.ansi(hand.view(1), unicode=False) == render.ansi(other.view(1), unicode=False)
    assert render.ansi(hand.view(1), unicode=False).count("[?|?]") == sum(len(hand.holding(s)) for s in (0, 2, 3))


def test_text_tells_the_story():
    text = render.ansi(random_position(3, decisions=33).record, unicode=False)
    assert "set: seats 0 & 2 bid 41 and took 28 points" in text
    assert "trick 3: seat 1 led  5-4   5-0   4-4   5-5* seat 0 took 16 points" in text
    thrown_in = Hand.deal(0, Rules(all_pass="reshake"))
    for _ in range(4):
        thrown_in.apply(28)
    assert "thrown in" in render.ansi(thrown_in.record)
    assert "marks 3-4" in render.ansi(Hand.deal(0, marks=(3, 4)).record)


@pytest.mark.parametrize(("declaration", "words"), [(8, "doubles are a suit of their own"), (9, "follow me")])
def test_text_names_what_is_trump(declaration, words):
    hands = [list(range(7 * seat, 7 * seat + 7)) for seat in range(4)]
    hand = Hand.from_deal(hands, declaration=declaration, bidder=2, bid=84)
    assert words in render.ansi(hand.record)
    assert "seat 2 bid 2 marks" in render.ansi(hand.record)


def test_the_tiles_are_those_of_unicode():
    import unicodedata

    for domino in range(28):
        glyph = render._tile(domino, True)[0]
        high, low = domino_text(domino).split("-")
        assert unicodedata.name(glyph) == f"DOMINO TILE HORIZONTAL-0{high}-0{low}"


@pytest.mark.parametrize("size", [(960, 720), (333, 200), (64, 300)])
def test_pictures_have_their_size(size):
    pytest.importorskip("pygame")
    image = render.rgb_array(MIDDLE_OF_A_TRICK.record, size=size)
    assert image.shape == (size[1], size[0], 3)
    assert image.dtype == np.uint8
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20
    with pytest.raises(ValueError, match="64 x 64"):
        render.rgb_array(MIDDLE_OF_A_TRICK.record, size=(10, 10))


def test_pictures_of_a_view_hide_the_other_hands():
    pytest.importorskip("pygame")
    hand = MIDDLE_OF_A_TRICK
    other = redealt(hand, 1, np.random.default_rng(0))
    assert np.array_equal(render.rgb_array(hand.view(1)), render.rgb_array(other.view(1)))
    assert not np.array_equal(render.rgb_array(hand.record), render.rgb_array(other.record))


def test_pictures_change_with_every_action():
    pytest.importorskip("pygame")
    hand, images = Hand.deal(2), set()
    actions = 0
    while not hand.is_over:
        images.add(render.rgb_array(hand.record, size=(240, 180)).tobytes())
        hand.apply(hand.legal_actions()[-1])
        actions += 1
    assert len(images) == actions


@pytest.mark.parametrize("make", [zeb42_env.env, zeb42_env.raw_env])
def test_pettingzoo_s_render_test(make, monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setattr(zeb42_env.aec, "RENDER_FPS", 1000)
    render_test(lambda render_mode: make(render_mode=render_mode, render_size=(240, 180)))


def test_gymnasium_environments_draw():
    pytest.importorskip("pygame")
    for mode, kind in (("ansi", str), ("rgb_array", np.ndarray), ("human", type(None))):
        env = Texas42Env(render_mode=mode)
        env.reset(seed=0)
        assert isinstance(env.render(), kind)
        env.close()
    env = Texas42VectorEnv(2, render_mode="ansi")
    env.reset(seed=0)
    assert len(env.render()) == 2
    assert Texas42VectorEnv(2).render() is None


def test_without_pygame_the_line_to_type_is_named():
    code = (
        "import sys; sys.modules['pygame'] = None\n"
        "import zeb42_env, gymnasium\n"
        "e = zeb42_env.env(render_mode='rgb_array'); e.reset(seed=0)\n"
        "try: e.render()\n"
        "except gymnasium.error.DependencyNotInstalled as error: print(error)\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'zeb42[render]'" in printed


def test_nothing_heavy_is_imported():
    code = (
        "import sys, zeb42_env; print([m for m in ('pygame', 'torch', 'tianshou', 'matplotlib') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"

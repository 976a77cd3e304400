"""Where everything lies on a drawn table and in which colors, whoever draws it: pygame or SVG.

Lengths are units of a board of 960 x 720; colors are (red, green, blue).
"""

from __future__ import annotations

BOARD = (960, 720)
TILE = (44, 88)
"""Width and height of an upright domino."""
PIPS = (
    (),
    ((0, 0),),
    ((-1, -1), (1, 1)),
    ((-1, -1), (0, 0), (1, 1)),
    ((-1, -1), (-1, 1), (1, -1), (1, 1)),
    ((-1, -1), (-1, 1), (0, 0), (1, -1), (1, 1)),
    ((-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)),
)
"""Where the pips of each half lie, (across, along) in steps of :data:`PIP_STEP`."""
PIP_STEP = 0.27 * TILE[0]
PIP_RADIUS = 4.1

SEATS = ((480, 640), (100, 376), (480, 80), (860, 376))
"""Middle of the hand at the bottom, left, top and right."""
NAMES = ((480, 572), (100, 194), (480, 148), (860, 194))
TRICK = ((480, 448), (382, 360), (480, 272), (578, 360))
STEPS = ((1.0, 54.0), (0.86, 46.0))
"""Scale of a domino, and from one to the next, in a hand at the bottom or top, and at a side."""

RIM, RIM_EDGE, FELT, FELT_LIGHT = (92, 58, 33), (56, 34, 18), (22, 92, 66), (34, 116, 84)
IVORY, IVORY_EDGE, PIP, LINE = (250, 246, 233), (196, 186, 160), (28, 28, 34), (150, 140, 120)
BACK, BACK_EDGE, BACK_MARK = (44, 50, 74), (24, 28, 44), (72, 82, 120)
GOLD, CREAM, DIM, SHADOW = (246, 196, 72), (244, 238, 220), (174, 204, 188), (10, 46, 33)

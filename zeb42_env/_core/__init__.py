"""Numba kernels over HAND records: no Python objects, and no errors but asserts.

The modules are the interface: :data:`MODULES` says of each what other packages may count on. Nothing is imported here,
so that who needs one table does not load them all.
"""

from __future__ import annotations

MODULES: dict[str, tuple[str, ...]] = {
    "bits": ("below", "lowest", "mix", "mix_all", "next_bits", "nth_bit", "one_way", "popcount", "unit"),
    "dominoes": (
        "BEATERS",
        "COUNT",
        "FOLLOWERS",
        "HIGH",
        "IS_DOUBLE",
        "LED_SUIT",
        "LOW",
        "POWER",
        "SUIT_MEMBERS",
        "TRUMPS",
    ),
    "record": (
        "HAND",
        "apply",
        "bid_value",
        "blank",
        "deal",
        "declare",
        "legal_mask",
        "legal_plays",
        "may_hold",
        "num_decisions",
        "play",
        "played_dominoes",
        "read_plays",
        "rewind",
        "trick_points",
        "trick_winner",
    ),
    "goals": (
        "by_contract",
        "by_margin",
        "decided",
        "made",
        "marks_at_stake",
        "needed",
        "outcome",
        "points_left",
        "promised",
        "score",
        "stake",
        "target",
        "worth",
    ),
    "tables": (
        "are_legal",
        "deal_numbers",
        "deal_rows",
        "is_legal",
        "legal_masks",
        "play_randomly",
        "show",
        "take",
        "views_of",
    ),
    "episodes": ("count_marks", "next_hands"),
    "columns": ("DOMINO_COLUMNS", "HIGHS", "SCALE", "SEAT_COLUMNS", "SITUATION_COLUMNS", "starts"),
    "tokens": ("belief_labels", "encode", "encode_seats"),
    "tokens_v1": ("encode", "slots_of"),
    "planes": ("PIECES", "encode_planes"),
    "gate": ("FLAWS", "find_flaws", "is_bid"),
}
"""The kernels and tables that stay, with the constants in capitals beside them: a change of one of these is a change of
the package's interface. Modules that are not named, and other names, may change at any time."""

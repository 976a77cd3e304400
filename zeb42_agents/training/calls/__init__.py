"""How calls are learned, round by round.

Hands are played with the calls of today, some of them explored; what contracts brought and what calls led to is learned
anew; and the new calls are rated against the simple bidder's. The best by rating, not by round, are kept.
"""

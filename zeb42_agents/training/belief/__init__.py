"""What a network believes, learned at many tables: who holds what, when anybody may be playing, and after an auction.

A belief that was learned from one player's hands takes everybody for that player. Here hands of several players are
played, alone and mixed, the network learns who held what, and its plays and its value stay what they were.
"""

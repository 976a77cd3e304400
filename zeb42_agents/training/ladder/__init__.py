"""The ladder: search teaches a mind, the mind makes the search better, and so on, rung by rung.

A rung plays hands at mixed tables, labels states that the mind reached in them by the search over that very mind, or by
what came of each play in the very deal, and lets the mind learn the labels. The new mind takes the old one's place if
its regret on held-out labels is no worse.
"""

"""How Zeb learns: a teacher that sees, then self-play that does not; one buffer of hands behind both."""

"""A table to sit down at: people and agents, in the browser or the terminal. ``zeb42 play`` starts it.

``words`` reads what players say, ``session`` is one table and knows the rules, ``show`` is what one person sees of it,
``levels`` names opponents, ``advice`` answers questions, ``house`` runs many tables side by side, ``server`` speaks to
browsers, ``terminal`` to a keyboard.

``review`` looks at a hand afterwards: ``verdicts`` says what a verdict is, ``plays`` and ``calls`` reach them,
``summary`` adds them up.
"""

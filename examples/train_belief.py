"""Train a Zeb with a belief head by itself: ``python examples/train_belief.py``.

The default preset takes two CPU cores less than ten minutes. Every field of the configuration is an option:
``--cycles 400``, ``--size medium``; ``--preset hour`` plays six times the hands, ``--preset gpu``
is for one modern GPU, ``--preset large-belief`` is the published run.
``--resume RUN`` goes on where a run stopped; with ``--cycles`` it trains on. It is ``zeb42 train``.
"""

from zeb42_agents.extras import run_command

if __name__ == "__main__":
    raise SystemExit(run_command("zeb42_agents.training.cli", extra="train"))

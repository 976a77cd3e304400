"""``python -m zeb42_agents.training``: the same as ``python examples/train_belief.py``."""

from zeb42_agents.training.cli import main

if __name__ == "__main__":
    raise SystemExit(main())

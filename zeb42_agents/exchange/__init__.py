"""Where workers and a learner meet: hands one way, weights the other, through any store with four verbs."""

from zeb42_agents.extras import needs_extras

with needs_extras():
    from zeb42_agents.exchange.exchange import Exchange, NotWholeError, Published, open_exchange
    from zeb42_agents.exchange.inbox import Inbox
    from zeb42_agents.exchange.packets import Packet
    from zeb42_agents.exchange.spool import Spool, SpoolFullError
    from zeb42_agents.exchange.stores import DirectoryStore, MemoryStore, Store

__all__ = [
    "DirectoryStore",
    "Exchange",
    "Inbox",
    "MemoryStore",
    "NotWholeError",
    "Packet",
    "Published",
    "Spool",
    "SpoolFullError",
    "Store",
    "open_exchange",
]

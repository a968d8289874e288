"""Who calls, and whether they may: signatures, sessions, identity policies."""

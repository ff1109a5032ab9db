"""Who calls, what they may do, and how much of it: accounts, API keys, sessions, limits."""

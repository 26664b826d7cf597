"""Redis: the one truth. Client, keys, Lua scripts and their typed results; no HTTP and no LiveKit here."""

"""The LiveKit client: rooms, join tokens, webhook verification. No Redis and no state rule here."""

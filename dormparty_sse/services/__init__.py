"""When to do what: matching, rooms, deadlines, streams, presence. No HTTP here."""

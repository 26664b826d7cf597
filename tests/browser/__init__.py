"""The page in a real browser, with the real service and the real LiveKit."""

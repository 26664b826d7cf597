"""The development environment: its own Redis and LiveKit beside the service. Not used in production."""

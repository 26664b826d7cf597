"""DormParty SSE: anonymous one-to-one random video chat over LiveKit, Redis and Server-Sent Events."""

__version__ = "0.1.0"

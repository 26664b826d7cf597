"""Clients that mean no good: whatever they send is refused, changes nothing and costs others nothing."""

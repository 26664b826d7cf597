"""What makes a run worthless."""


class BenchError(Exception):
    """The service answered wrongly, lost an event, or the run could not be carried out."""

"""Speed under load: 1,000 people on streams in one service process. Not run by the tests."""

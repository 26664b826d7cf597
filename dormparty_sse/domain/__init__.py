"""The words and rules of the product: states, endings, events, models, errors. Standard library only."""

"""What the tests share: people who use the service, and waiting for conditions."""

"""What is published to: Azurite, a server that drops what it gets, and a longer line to either."""

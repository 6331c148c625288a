"""The servers: Azurite, one that discards what it receives, and a proxy that delays both."""

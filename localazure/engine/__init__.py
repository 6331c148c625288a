"""The engine for a machine without the Pulumi CLI: one stack's program, run in this process."""

"""The engine for machines without the Pulumi CLI: it runs a stack's program in this process."""

"""What an upload is, and whether it may stay: its real type, its limits, its names."""

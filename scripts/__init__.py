"""What `make` runs: the one place that knows all rooms, and joins them by their commands.

Standard library only: these modules run before anything is installed.
"""

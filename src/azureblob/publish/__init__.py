"""Publishing static files: what the commands collectstatic and prunestatic do, step by step."""


class PublishError(Exception):
    """Publishing or pruning cannot go on; the text is for the user."""

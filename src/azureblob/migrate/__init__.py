"""Files that exist already: from a media folder into the container, and back."""

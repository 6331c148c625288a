"""Checked uploads: a file's real type, its limits, and the names it is stored under."""

from azureblob.extras import require

require("uploads", "azureblob.uploads")

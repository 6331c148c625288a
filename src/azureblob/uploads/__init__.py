"""What an upload is, and whether it may stay: its real type, its limits, its names."""

from azureblob.extras import require

require("uploads", "azureblob.uploads")

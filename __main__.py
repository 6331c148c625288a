"""A Django site's blob storage: `pulumi up` makes it, the outputs are the site's environment.

config:
  mediaAccess: public
  corsOrigins: ["https://www.example.com"]
"""

import pulumi

from infra import outputs
from infra.problems import ConfigError
from infra.reader import load
from infra.storage import DjangoBlobStorage

try:
    storage = DjangoBlobStorage("site", load(pulumi.Config()))
except ConfigError as error:
    # Pulumi prints a RunError's text alone, without a traceback.
    raise pulumi.RunError(str(error)) from None

outputs.export(storage)

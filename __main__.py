"""A Django site's blob storage: `pulumi up` makes it, the outputs are the site's environment.

config:
  mediaAccess: public
  corsOrigins: ["https://www.example.com"]
"""

import pulumi

from infra import DjangoBlobStorage, outputs
from infra.arguments import arguments
from infra.reader import load

outputs.export(DjangoBlobStorage("site", arguments(load(pulumi.Config()))))

"""A Django site's blob storage: `pulumi up` creates it, and its outputs are the site's environment.

config:
  mediaAccess: public
  corsOrigins: ["https://www.example.com"]
"""

import pulumi

from infra import DjangoBlobStorage, outputs
from infra.reader import load

outputs.export(DjangoBlobStorage("site", load(pulumi.Config())))

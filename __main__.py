"""A Django site's blob storage: `pulumi up` creates it, and its outputs are the site's environment.

config:
  mediaAccess: public
  corsOrigins: ["https://www.example.com"]
"""

import signal

import pulumi

from infra import DjangoBlobStorage, outputs
from infra.reader import load

# The engine interrupts this program when a resource has failed or was refused. A traceback below
# the reason would only hide it.
signal.signal(signal.SIGINT, signal.SIG_DFL)

outputs.export(DjangoBlobStorage("site", load(pulumi.Config())))

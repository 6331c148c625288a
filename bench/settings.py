"""Django's settings of a competitor's process: all that differs comes from the environment."""

import json
import os

locals().update(json.loads(os.environ["BENCH_SETTINGS"]))

SECRET_KEY = "only-for-the-bench"
USE_TZ = True

"""The Django settings of a competitor's process; those that differ are in the environment."""

import json
import os

locals().update(json.loads(os.environ["BENCH_SETTINGS"]))

SECRET_KEY = "only-for-the-bench"
USE_TZ = True

"""`python -m tests.faults --upstream PORT [--port PORT] [--seed N] [--rule "..."]...`

Ends with Ctrl-C, and says then what went by.
"""

from __future__ import annotations

import argparse
import signal
from collections import Counter

from tests.faults import FaultProxy, Rule


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--upstream", type=int, required=True, help="the blob service's port")
    parser.add_argument("--port", type=int, default=0, help="the proxy's; 0 is any free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rule", type=Rule.parse, action="append", default=[], metavar="RULE")
    options = parser.parse_args()
    # Whoever starts it in the background may have had this signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Held back until it is waited for: it may come as soon as the port is told.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with FaultProxy(options.upstream, options.rule, seed=options.seed, port=options.port) as proxy:
        print(f"http://127.0.0.1:{proxy.port}", flush=True)
        signal.sigwait({signal.SIGINT})
        seen = Counter((r.method, r.comp, r.status, r.fault) for r in proxy.requests)
    for (method, comp, status, fault), number in sorted(seen.items()):
        print(f"{number:6}  {method} {f'comp={comp} ' if comp else ''}{status} {fault}")


if __name__ == "__main__":
    main()

"""A proxy in front of a blob endpoint that does what networks and busy services do, by rule.

    with FaultProxy(port, rules=[Rule(method="PUT", every=3, status=503)], seed=7) as proxy:
        ...  # http://127.0.0.1:{proxy.port}/ACCOUNT/ leads through it
        assert len(proxy.requests) == 4

By itself: `python -m tests.faults --upstream 10001 --rule "PUT */css/* first=2 fault=lost"`.
"""

from tests.faults.proxy import FaultProxy, Record
from tests.faults.rules import Fault, Rule

__all__ = ["Fault", "FaultProxy", "Record", "Rule"]

"""The site's port, which is checked before anything slow starts."""

from __future__ import annotations

import socket

from scripts.console import Problem

HOST = "127.0.0.1"


def port_number(text: str, variable: str, command: str = "make up") -> int:
    """Raises Problem if the text is not a port."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Problem(
            f"{variable} is '{text}', which is not a port: a number from 1 to 65535, for example "
            f"{command} {variable}=8001"
        )
    return int(text)


def refuse_taken(port: int, command: str = "make up") -> None:
    """Raises Problem if the site could not listen on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Django's own server binds: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise Problem(
                f"Port {port} may not be opened by this user: take one above 1023, for example "
                f"{command} PORT=8000"
            ) from None
        except OSError:
            following = port + 1 if port < 65535 else 8000
            raise Problem(
                f"Port {port} is taken by another program: free it, or choose another port, "
                f"for example {command} PORT={following}"
            ) from None


def free_port() -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port

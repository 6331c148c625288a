"""The extras of the distribution: packages that only a part of the library needs."""

from __future__ import annotations

from importlib.util import find_spec

# The modules that each extra in pyproject.toml installs.
_MODULES = {
    "identity": ("azure.identity",),
    "svg": ("py_svg_hush",),
    "uploads": ("PIL", "filetype"),
}


def is_installed(extra: str) -> bool:
    return all(find_spec(module) for module in _MODULES[extra])


def how_to_install(extra: str) -> str:
    return f"pip install 'django-azure-blob[{extra}]'"


def require(extra: str, user: str) -> None:
    """Raises ImportError if the packages of an extra are missing; `user` is what needs them."""
    if not is_installed(extra):
        modules = " and ".join(_MODULES[extra])
        raise ImportError(f"{user} needs {modules}: {how_to_install(extra)}")

"""The extras of the distribution: packages that only a part of the library needs."""

from __future__ import annotations

from importlib.util import find_spec

# Import names of what each extra in pyproject.toml installs.
_MODULES = {
    "identity": ("azure.identity",),
    "svg": ("py_svg_hush",),
    "uploads": ("PIL", "filetype"),
}


def is_installed(extra: str) -> bool:
    return all(find_spec(module) for module in _MODULES[extra])


def how_to_install(extra: str) -> str:
    return f"pip install 'django-azure-blob[{extra}]'"


def require(extra: str, what: str) -> None:
    """Raises ImportError, which names the extra, where `what` lacks its packages."""
    if not is_installed(extra):
        modules = " and ".join(_MODULES[extra])
        raise ImportError(f"{what} needs {modules}: {how_to_install(extra)}")

"""Starts the plugin. The engine runs this file by its path (PulumiPlugin.yaml)."""

import importlib.util
import sys
from pathlib import Path

# The package's name, whatever the folder is called where the plugin is installed.
NAME = "pulumi_django_azure_blob"

if __name__ == "__main__":
    folder = Path(__file__).resolve().parent
    # Its modules belong to the package: `rules` must not be importable as a top-level module.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != folder]
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        sys.exit(f"{folder} is not a package: install the plugin again")
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    importlib.import_module(f"{NAME}.plugin").serve()

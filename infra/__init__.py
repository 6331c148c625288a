"""What is declared in Azure, and the configuration it is declared from.

Other programs install it as `pulumi_django_azure_blob` (docs/component.md).
"""

from .config import DjangoBlobStorageArgs
from .errors import ConfigError
from .storage import DjangoBlobStorage

__all__ = ["ConfigError", "DjangoBlobStorage", "DjangoBlobStorageArgs"]
__version__ = "0.1.0"

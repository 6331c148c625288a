"""`python -m localazure.provider`: what `bin/pulumi-resource-azure-native` runs."""

from localazure.provider.server import serve

serve()

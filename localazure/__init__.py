"""Azure on this machine: Azurite, a stand-in for azure-native, an engine for want of Pulumi."""

"""The provider that stands in for azure-native: same resource types, ids, outputs and refusals."""

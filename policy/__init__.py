"""What the declared resources have to keep to, whatever program declares them."""

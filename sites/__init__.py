"""Other people's packages, published and opened: whether a site works here as with Django's own."""

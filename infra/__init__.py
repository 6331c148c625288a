"""What is declared in Azure, and the configuration it is declared from."""

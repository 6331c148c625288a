"""What publishing costs: this project, its peers, and the least that any command can do."""

"""Turns the JSON of `pulumi preview --json`, from either engine, into what people review."""

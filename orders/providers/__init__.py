"""Payment providers: each is one module here and one line in `registry`."""

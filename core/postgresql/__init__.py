"""Django's PostgreSQL backend, whose pool looks at a connection before it gives it out, without a round trip."""

"""One client's session: statements, portals, transactions, settings and COPY."""

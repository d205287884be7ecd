"""How cases flow through a line: what holds it up, and what it would do if a station were faster; no database."""

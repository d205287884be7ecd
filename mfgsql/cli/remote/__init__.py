"""A database that somebody serves: what commands ask of a session, over PostgreSQL's protocol."""

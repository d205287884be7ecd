"""Version 3 of PostgreSQL's protocol: messages as bytes, and a socket as a stream of them. It knows no SQL."""

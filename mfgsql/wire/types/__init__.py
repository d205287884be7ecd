"""What values look like on the wire, in both directions: DuckDB's types as PostgreSQL's, Arrow batches as messages.

Pure: Arrow, numpy and bytes. No socket, no database, no session.
"""

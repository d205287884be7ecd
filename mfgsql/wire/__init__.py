"""What both ends of PostgreSQL's wire know: how values look on it, and the database that they come from or go to."""

"""``ml_adapt``: from a batch of new rows and what is kept of the past to a candidate, and who is champion then."""

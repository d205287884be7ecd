"""``ml_bottlenecks`` and ``ml_whatif``: logs and states in DuckDB, on the clock of the shop, and what they tell."""

"""``ml_drift``: what a version was learnt from beside what comes now."""

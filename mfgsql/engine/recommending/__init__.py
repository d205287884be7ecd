"""``ml_recommend``: what is asked for, rows as they are, candidates with what they are worth, and advice in words."""

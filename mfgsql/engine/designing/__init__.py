"""``ml_generate``: what is asked for, what designs may be, drafts and how they are judged."""

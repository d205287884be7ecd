"""Many trainings on the same rows, and the best of them: what ``ml_tune`` runs."""

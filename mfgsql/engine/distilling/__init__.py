"""Small models that have learnt a large one's answers: what ``ml_distill`` runs."""

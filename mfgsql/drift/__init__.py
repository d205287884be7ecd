"""Is data still what a model learnt from? Distributions, vectors and streams compared, without a database."""

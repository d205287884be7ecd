"""Search for better settings of rows, under constraints, and the choice of a few that differ. It knows no database."""

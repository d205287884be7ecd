SELECT * EXCLUDE (grade, wear) FROM parts WHERE id < 500

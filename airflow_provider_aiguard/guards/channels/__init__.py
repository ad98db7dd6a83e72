"""What is tested about a column: one builder a method; :mod:`.choose` has them by name."""

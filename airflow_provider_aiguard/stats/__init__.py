"""Statistics: pure functions, counts in, numbers out. One method and one citation a module."""

"""The demo: a year of real flights, a model that silently rots, and the guards that notice."""

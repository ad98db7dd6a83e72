"""Check operators and the inference operator: thin doors to the guards and the engine."""

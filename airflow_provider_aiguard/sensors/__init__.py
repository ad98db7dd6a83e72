"""Sensors: wait until a guard passes."""

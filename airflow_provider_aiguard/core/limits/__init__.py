"""Limits: what the author of a check calls too much. Each guard compares its evidence with one of these.

Standard library only, so that a bad limit fails when the DAG is parsed.
"""

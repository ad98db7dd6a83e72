"""The numbers we publish, each measured beside its peer or its limit in the same run."""

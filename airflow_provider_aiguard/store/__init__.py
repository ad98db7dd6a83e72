"""What happened: runs, rejects, verdicts, profiles and the ledger, in a SQL database of our own."""

"""Guards: evidence in, checks out. Pure functions of counts; they never see a row."""

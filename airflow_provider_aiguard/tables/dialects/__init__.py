"""What differs between databases, one thin leaf each; ``base`` is the contract."""

"""Who makes claims: the Model protocol and its adapters. Models know neither money nor tables."""

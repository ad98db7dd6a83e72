"""The engine: reads a chunk, holds money, calls the model, validates, settles, writes."""

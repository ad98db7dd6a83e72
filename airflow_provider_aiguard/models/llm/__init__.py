"""Language models: prompts, typed answers and how sure they are. pydantic-ai loads on first use."""

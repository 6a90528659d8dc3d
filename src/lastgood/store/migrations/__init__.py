"""How a database comes to be as `store/schema.py` says: one revision a step, never edited once released."""

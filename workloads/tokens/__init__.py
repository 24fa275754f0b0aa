"""Rows as the model's numbers: whether a tokenizer suits model and data, and the numbers on disk that training reads."""

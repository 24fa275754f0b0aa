"""Runs T5 models: engines, and the choice of tokens from their logits. No HTTP here, and no torch."""

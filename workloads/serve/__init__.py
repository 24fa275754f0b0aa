"""The inference server: HTTP without torch, over a verified release."""

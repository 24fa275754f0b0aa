"""What runs in Feast's own environment: it imports Feast, and nothing of ours."""

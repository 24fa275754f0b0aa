"""What the evaluate stage measures: scores and their uncertainty, labels, confidence, copies of training rows, the release before; and pictures."""

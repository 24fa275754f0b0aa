"""Training: the loop and what it stands on. The stage that runs it is `workloads/train.py`; what a run is made from is `workloads/recipes.py`."""

"""What an environment is, as frozen data: models, region facts, names and subnets. Never calls a cloud, never imports Pulumi at import time."""

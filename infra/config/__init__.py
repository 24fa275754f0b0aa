"""What an environment is made from: closed, frozen models, and tables of what each region has. Never calls a cloud."""

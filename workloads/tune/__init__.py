"""The search for a better recipe: trials of one study, trained by workers that share a database, and the winner as a recipe file."""

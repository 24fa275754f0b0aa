"""What every part of Falaj stands on: errors, canonical JSON, durable files, keys. Imports nothing of the other packages."""

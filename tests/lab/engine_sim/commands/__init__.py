"""What the engine does: validation and work of each command, and what it does by itself over time."""

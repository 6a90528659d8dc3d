"""One file for each thing that a user asks for; sees core and its ports only."""

"""One file for each thing that a user looks at; sees core and its ports only."""

"""What is measured, always beside something else in the same run: machines differ, ratios less so."""

"""The loop: when to look, when to deploy, when to look after what runs. What is done is in the flows."""

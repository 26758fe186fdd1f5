"""What cti-engine doctor finds, and what it says to do."""

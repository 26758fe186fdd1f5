"""What `cti-engine doctor` looks at, by subject; each check finds one thing and says what to do about it."""

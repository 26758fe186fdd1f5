"""Phones that nobody here wrote (baresip, sipp), a capture and test tones: the toolkit of end-to-end tests."""

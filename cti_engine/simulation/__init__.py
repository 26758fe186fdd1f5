"""Virtual time: callers and agents as models, the deciding code as it is."""

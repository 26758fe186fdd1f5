"""What is learned offline from what has been; nothing of it runs in a live process."""

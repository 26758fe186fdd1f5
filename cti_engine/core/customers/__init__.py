"""What is known of customers and what follows from it: pure, from columns or from one profile."""

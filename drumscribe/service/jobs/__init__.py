"""Jobs: what is asked, how they move, what is told about them."""

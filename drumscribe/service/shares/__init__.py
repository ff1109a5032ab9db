"""Links that show a finished score to whoever has them."""

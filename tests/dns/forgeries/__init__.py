"""Answers made by hand, records and signatures too, and who judges them."""

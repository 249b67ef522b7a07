"""Draws a Lock Screen from what the phone was sent; plain data in, HTML out."""

"""Draws a Lock Screen from what the phone was told; plain data in, HTML out."""

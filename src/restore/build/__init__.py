"""Makers of the files in ``dictionaries``; nothing here runs when a text is restored."""

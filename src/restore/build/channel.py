"""``dictionaries/press.tsv`` and its sisters, from what was written by hand and what was counted."""

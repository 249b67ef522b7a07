"""From the text of a file to a tree whose nodes know where they stand."""

"""What a state on disk has, for ``smithd state``: counted, checked, pruned, exported, whether or not a daemon runs."""

"""How true widgets are on the screen while the budget is short: worlds, policies, and the bound of a clairvoyant."""

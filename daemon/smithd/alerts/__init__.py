"""Rules and alerts: from samples to alerts that are pending, firing or resolved."""

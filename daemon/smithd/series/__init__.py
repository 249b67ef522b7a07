"""What is known of each series: its newest sample, the health of its source, its history, derived metrics."""

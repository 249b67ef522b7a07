"""What smithd costs; ``make bench`` prints the table. Each number is held against something bare in the same run."""

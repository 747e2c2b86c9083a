"""What figures are measured against: the least that could be done."""

"""What the journeys cost, beside the least they can cost. Run by ``make bench``; nothing here is a test."""

"""Adding a photo to one's account, looking at it, taking it away."""

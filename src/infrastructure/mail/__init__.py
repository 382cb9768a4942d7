"""Mail: its texts, and the ways it is sent."""

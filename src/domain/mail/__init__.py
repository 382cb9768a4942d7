"""Mail: what people are written, and in which language."""

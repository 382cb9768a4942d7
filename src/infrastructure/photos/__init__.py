"""Photos: pictures made safe in processes of their own, and the stores that keep them."""

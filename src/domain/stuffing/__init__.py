"""Lists of passwords that were stolen elsewhere, tried here."""

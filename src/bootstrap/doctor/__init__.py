"""What operators get wrong, looked for: ``crm-auth doctor``."""

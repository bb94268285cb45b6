"""Login: tokens of the SSO service and sessions of the API."""

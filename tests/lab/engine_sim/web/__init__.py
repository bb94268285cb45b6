"""HTTP: the application, the API's dispatcher, the services beside it."""

"""The service over HTTP: `app.http_app` is the way in."""

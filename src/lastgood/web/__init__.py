"""Dashboard, REST API and event stream; is handed what it shows."""

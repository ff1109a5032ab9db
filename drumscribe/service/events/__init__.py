"""What happens to a job, as it happens: one log in the database, told by polling, server-sent events and WebSocket."""

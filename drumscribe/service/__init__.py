"""The service around the library: API, jobs, workers."""

"""What mailings go by: when a customer needs a thing again, and with what it belongs together."""

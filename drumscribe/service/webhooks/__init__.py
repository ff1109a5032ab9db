"""Messages to those who asked to be told how a job ended: an outbox, signed and sent until the receiver has taken them."""

"""engine-setup: answers in, a running engine out; stages, console and files as the real one's."""

"""Hot loops only: plain data in, plain data out, no I/O, no framework, no policy."""

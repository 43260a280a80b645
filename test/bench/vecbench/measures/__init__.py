"""What is measured, one module each: measure(context) returns what goes into
the raw file."""

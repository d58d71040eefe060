"""The part of Go's text/template that people write on Docker's command lines."""

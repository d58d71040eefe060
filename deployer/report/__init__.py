"""What commands print: text for people and JSON documents for programs, from the same values."""

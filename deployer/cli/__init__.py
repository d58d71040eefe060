"""Arguments in, one workflow call, rendering out."""

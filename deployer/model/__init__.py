"""The nouns: frozen values, no behaviour beyond what follows from their own fields."""

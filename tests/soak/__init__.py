"""`make soak`: the random tests, with other seeds than in `make test`, for as long as they are given. A seed repeats its round."""

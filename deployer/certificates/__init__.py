"""Certificates of the engines that listen for TLS: a CA of the cluster's own, what it signs, where it is kept, and the proof that it serves."""

"""Servers without state of their own: what clients send is in PostgreSQL for seconds, and then in a bucket."""

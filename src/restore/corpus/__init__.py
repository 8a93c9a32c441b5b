"""Collections of documents: JSON lines and Parquet in, the same with four more columns out, on one machine or on many."""
